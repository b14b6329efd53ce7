#include "coterie/annotate/request_fields.h"

#include <gtest/gtest.h>

#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;

TEST(RequestFields, GiveWhatIsThere) {
  const auto body = parse_body(R"({"question": 17, "name": "a\u0000b", "images": [3, 0, -1]})");
  EXPECT_EQ(integer_field(body, "question"), 17);
  EXPECT_EQ(text_field(body, "name"), std::string("a\0b", 3));
  EXPECT_EQ(integers_field(body, "images"), (std::vector<std::int64_t>{3, 0, -1}));
}

TEST(RequestFields, BodiesAreObjectsThatNestLittle) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("17"), std::string("null"),
        std::string("{\"a\": 1} {"), std::string("{\"a\": \"\xff\"}"), std::string("{'a': 1}"),
        "{\"a\": " + std::string(500'000, '[') + std::string(500'000, ']') + "}",
        std::string(500'000, '[')})
    EXPECT_EQ(user_error_of([&] { parse_body(text); }), "the body is not a JSON object");
}

TEST(RequestFields, NameWhatIsMissingOrOfAnotherKind) {
  const auto body = parse_body(
      R"({"real": 1.5, "text": "1", "large": 9223372036854775808, "list": [1, "2"], "flag": true})");
  EXPECT_EQ(user_error_of([&] { integer_field(body, "question"); }), "'question' is missing");
  for (const char* name : {"real", "text", "large", "list", "flag"})
    EXPECT_CONTAINS(user_error_of([&] { integer_field(body, name); }), "a whole number");
  EXPECT_CONTAINS(user_error_of([&] { text_field(body, "real"); }),
                  "'real' is not what it must be");
  EXPECT_CONTAINS(user_error_of([&] { integers_field(body, "text"); }), "a list of numbers");
  EXPECT_CONTAINS(user_error_of([&] { integers_field(body, "list"); }), "a whole number");
}

TEST(RequestFields, DigitsAreDigits) {
  EXPECT_EQ(parse_digits("image", "0"), 0);
  EXPECT_EQ(parse_digits("image", "007"), 7);
  EXPECT_EQ(parse_digits("image", "999999999999999"), 999'999'999'999'999);
  for (const char* text : {"", "-1", "+1", "1.0", " 1", "1 ", "0x1", "1e3", "\xd9\xa1",
                           "1000000000000000", "..", "1/2"})
    EXPECT_CONTAINS(user_error_of([&] { parse_digits("image", text); }), "image is '");
}

}  // namespace
}  // namespace coterie
