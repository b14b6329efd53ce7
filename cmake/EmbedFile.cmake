# Writes OUTPUT, a C++ file whose function NAME returns the bytes of SOURCE. Run by coterie_embed.
file(READ ${SOURCE} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <string_view>

namespace coterie::embedded {

std::string_view ${NAME}() {
  // The zero at the end lets an empty file be an array, too.
  static constexpr unsigned char kBytes[] = {
${bytes}
0};
  return {reinterpret_cast<const char*>(kBytes), sizeof(kBytes) - 1};
}

}  // namespace coterie::embedded
")
