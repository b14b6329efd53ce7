#include "coterie/core/text.h"

#include <set>

#include "testing.h"

namespace coterie {
namespace {

using namespace std::string_literals;

TEST(Utf8, TakesTheEdgesOfEachLength) {
  for (const auto& good : {""s, "a"s, "\x7f"s, "\0"s, "\xc2\x80"s, "\xdf\xbf"s, "\xe0\xa0\x80"s,
                           "\xed\x9f\xbf"s, "\xee\x80\x80"s, "\xef\xbf\xbf"s, "\xf0\x90\x80\x80"s,
                           "\xf4\x8f\xbf\xbf"s, "gr\xc3\xbc\xc3\x9f"s})
    EXPECT_TRUE(is_utf8(good)) << printable(good);
}

TEST(Utf8, RefusesWhatIsNone) {
  for (const auto& bad : {"\x80"s, "\xbf"s,                              // continuation alone
                          "\xc0\x80"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s,     // overlong
                          "\xf0\x8f\xbf\xbf"s, "\xc0\xaf"s,              // overlong
                          "\xed\xa0\x80"s, "\xed\xbf\xbf"s,              // surrogates
                          "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s,      // above U+10FFFF
                          "\xff"s, "\xfe"s, "\xc3"s, "\xe2\x82"s,        // no start, cut short
                          "\xf0\x9f\x98"s, "\xc3("s, "a\xe2\x28\xa1"s})  // continuation missing
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
}

TEST(Printable, LeavesPlainTextAndEscapesTheRest) {
  EXPECT_EQ(printable("photo 1.jpg"), "photo 1.jpg");
  EXPECT_EQ(printable("gr\u00fc\u00df \U0001f600"), "gr\u00fc\u00df \U0001f600");
  EXPECT_EQ(printable("a\nb\tc\x1b[31m\x7f"), "a\\x0ab\\x09c\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\0"s), "\\x00");
  EXPECT_EQ(printable("\\x0a"), "\\\\x0a");
  EXPECT_EQ(printable("\xff\xc3z"), "\\xff\\xc3z");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
}

TEST(Printable, EscapesC1ControlsAndDirectionMarks) {
  EXPECT_EQ(printable("\u0085"), "\\xc2\\x85");
  EXPECT_EQ(printable("\u00a0"), "\u00a0");
  EXPECT_EQ(printable("a\u202egpj.exe"), "a\\xe2\\x80\\xaegpj.exe");
  for (const std::string mark : {"\u2028", "\u2029", "\u202a", "\u202d", "\u2066", "\u2069"})
    EXPECT_EQ(printable(mark).size(), 12u) << printable(mark);
  for (const std::string plain : {"\u2027", "\u202f", "\u2065", "\u206a", "\u20ac"})
    EXPECT_EQ(printable(plain), plain);
}

TEST(Printable, DifferentBytesNeverPrintAlike) {
  std::set<std::string> seen;
  int count = 0;
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b, ++count)
      seen.insert(printable(std::string{static_cast<char>(a), static_cast<char>(b)}));
  for (const auto* text : {"\\x0a", "\\\\x0a", "\n"}) seen.insert(printable(text)), ++count;
  EXPECT_EQ(static_cast<int>(seen.size()), count);
}

TEST(HtmlEscape, MarkupQuotesAndBytes) {
  EXPECT_EQ(html_escape("<a href=\"x\">'&amp;'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(html_escape("gr\u00fcn"), "gr\u00fcn");
  EXPECT_EQ(html_escape("a\xff\n"), "a\\xff\\x0a");
  EXPECT_EQ(html_escape("<\u202e"), "&lt;\\xe2\\x80\\xae");
}

TEST(CsvField, QuotesOnlyWhereNeeded) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field(""), "");
  EXPECT_EQ(csv_field("two words"), "two words");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_field("a\nb"), "\"a\nb\"");
  EXPECT_EQ(csv_field("a\rb"), "\"a\rb\"");
  EXPECT_EQ(csv_field(" a"), "\" a\"");
  EXPECT_EQ(csv_field("a "), "\"a \"");
  EXPECT_EQ(csv_field("\ta"), "\"\ta\"");
  EXPECT_EQ(csv_field("a\t"), "\"a\t\"");
  EXPECT_EQ(csv_field("\xff"), "\xff");
}

TEST(Closest, SuggestsWhatIsNearAlone) {
  const std::vector<std::string> known = {"kmeans", "pac", "restarts", "m", "k"};
  EXPECT_EQ(closest("kmean", known), "kmeans");
  EXPECT_EQ(closest("pca", known), "pac");
  EXPECT_EQ(closest("restart", known), "restarts");
  EXPECT_EQ(closest("pac", known), "pac");
  EXPECT_EQ(closest("mm", known), "m");
  EXPECT_EQ(closest("spectral", known), "");
  EXPECT_EQ(closest("zz", known), "") << "nothing of it is left in 'm'";
  EXPECT_EQ(closest("x", known), "");
  EXPECT_EQ(closest("", known), "");
  EXPECT_EQ(closest("pac", {}), "");
}

TEST(Closest, AThirdOfALongWordMayDiffer) {
  EXPECT_EQ(closest("abcdefghi", {"abcdefxyz"}), "abcdefxyz");  // 3 of 9
  EXPECT_EQ(closest("abcdefghi", {"abcdewxyz"}), "");           // 4 of 9
}

TEST(Join, PutsTheSeparatorBetween) {
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join({"a"}, ", "), "a");
  EXPECT_EQ(join({}, ", "), "");
}

}  // namespace
}  // namespace coterie
