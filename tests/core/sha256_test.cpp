#include "coterie/core/sha256.h"

#include "coterie/core/files.h"
#include "testing.h"

namespace coterie {
namespace {

using Code = Sha256::Code;

std::string digest(Code code, std::string_view text) {
  Sha256 hash(code);
  hash.update(text);
  return hash.hex_digest();
}

class Sha256Codes : public ::testing::TestWithParam<Code> {};
INSTANTIATE_TEST_SUITE_P(, Sha256Codes, ::testing::Values(Code::fastest, Code::portable),
                         [](const auto& test) {
                           return test.param == Code::fastest ? "Fastest" : "Portable";
                         });

// The examples of FIPS 180-4.
TEST_P(Sha256Codes, StandardExamples) {
  EXPECT_EQ(digest(GetParam(), ""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest(GetParam(), "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest(GetParam(), "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest(GetParam(),
                   "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                   "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(digest(GetParam(), std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// The digest of all 201 digests in hexadecimal; Python's hashlib gave the expected one:
//   h = hashlib.sha256()
//   for n in range(201):
//     m = bytes((7 * i + 3) % 256 for i in range(n))
//     h.update(hashlib.sha256(m).hexdigest().encode())
TEST_P(Sha256Codes, EveryLengthUpTo200) {
  std::string message;
  Sha256 all(GetParam());
  for (int n = 0; n <= 200; ++n) {
    all.update(digest(GetParam(), message));
    message += static_cast<char>((7 * n + 3) % 256);
  }
  EXPECT_EQ(all.hex_digest(), "530566f39d545b371e5360fbfe251c0da6410ba297e67392dfaec0cb575d67ed");
}

TEST_P(Sha256Codes, PiecesOfAnySizeGiveTheSameDigest) {
  std::string message;
  for (int i = 0; i < 1000; ++i) message += static_cast<char>(i * i % 251);
  const std::string whole = digest(GetParam(), message);
  for (const std::size_t piece : {1, 3, 63, 64, 65, 127, 128, 500}) {
    Sha256 hash(GetParam());
    for (std::size_t i = 0; i < message.size(); i += piece)
      hash.update(std::string_view(message).substr(i, piece));
    EXPECT_EQ(hash.hex_digest(), whole) << "in pieces of " << piece;
  }
}

TEST_P(Sha256Codes, EmptyPiecesWithoutAnAddressChangeNothing) {
  Sha256 hash(GetParam());
  hash.update("a");
  hash.update(nullptr, 0);
  hash.update(std::string_view());
  hash.update("bc");
  EXPECT_EQ(hash.hex_digest(), digest(GetParam(), "abc"));
}

TEST(Sha256File, EqualsTheDigestOfItsContent) {
  const testing::TemporaryFolder folder;
  write_file(folder / "text", "abc");
  write_file(folder / "empty", "");
  EXPECT_EQ(sha256_file(folder / "text"), sha256_hex("abc"));
  EXPECT_EQ(sha256_file(folder / "empty"), sha256_hex(""));
  EXPECT_CONTAINS(testing::user_error_of([&] { sha256_file(folder / "absent"); }), "absent");
}

}  // namespace
}  // namespace coterie
