#include "coterie/annotate/secrets.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace coterie {
namespace {

TEST(Secrets, Are32RandomBytes) {
  std::set<std::string> seen;
  std::set<char> first_digits;
  for (int i = 0; i < 200; ++i) {
    const std::string secret = new_secret();
    EXPECT_TRUE(std::regex_match(secret, std::regex("[0-9a-f]{64}"))) << secret;
    EXPECT_TRUE(seen.insert(secret).second);
    first_digits.insert(secret[0]);
  }
  EXPECT_GT(first_digits.size(), 8u);
}

TEST(Secrets, AreEqualAsAWholeOnly) {
  const std::string secret = new_secret();
  EXPECT_TRUE(same_secret(secret, secret));
  for (std::size_t i = 0; i < secret.size(); ++i) {
    std::string wrong = secret;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    EXPECT_FALSE(same_secret(wrong, secret)) << i;
  }
  EXPECT_FALSE(same_secret("", secret));
  EXPECT_FALSE(same_secret(secret.substr(1), secret));
  EXPECT_FALSE(same_secret(secret + secret, secret));
  EXPECT_FALSE(same_secret(secret + "0", secret));
  EXPECT_FALSE(same_secret("", ""));  // Nothing is no secret.
}

}  // namespace
}  // namespace coterie
