#include "coterie/core/params.h"

#include <cmath>
#include <limits>

#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;

enum class Weights { p, p_m };

struct Inner {
  double m = 1.03;
  int restarts = 10;
  static const Fields<Inner>& fields() {
    static const auto fields =
        Fields<Inner>()
            .number("m", &Inner::m, above(1), "fuzziness")
            .number("restarts", &Inner::restarts, between(1, 1000), "starts");
    return fields;
  }
};

struct Example {
  double rate = 1e-3;
  float share = 0.5f;
  int clusters = 10;
  std::uint64_t seed = 0;
  bool centre = true;
  Weights weights = Weights::p;
  Inner inner;
  static const Fields<Example>& fields() {
    static const auto fields =
        Fields<Example>()
            .number("rate", &Example::rate,
                    {.low = 0, .high = 1, .low_open = true, .high_open = true}, "step length")
            .number("share", &Example::share, at_least(0), "a share")
            .number("clusters", &Example::clusters, at_least(2), "how many")
            .number("seed", &Example::seed, {}, "the seed")
            .flag("centre", &Example::centre, "subtract the mean")
            .choice<Weights>("weights", &Example::weights,
                             {{"p", Weights::p}, {"p^m", Weights::p_m}}, "what is aggregated")
            .include("pac.", &Example::inner);
    return fields;
  }
};

std::string error_of(std::string_view name, std::string_view text) {
  Example example;
  return user_error_of([&] { Example::fields().set(example, name, text); });
}

Example with(std::string_view name, std::string_view text) {
  Example example;
  Example::fields().set(example, name, text);
  return example;
}

TEST(Params, SetsEveryKindOfField) {
  EXPECT_EQ(with("rate", "2.5e-2").rate, 0.025);
  EXPECT_EQ(with("share", "0.25").share, 0.25f);
  EXPECT_EQ(with("clusters", "12").clusters, 12);
  EXPECT_EQ(with("seed", "9223372036854775807").seed, 9223372036854775807u);
  EXPECT_FALSE(with("centre", "off").centre);
  EXPECT_TRUE(with("centre", "yes").centre);
  EXPECT_EQ(with("weights", "p^m").weights, Weights::p_m);
  EXPECT_EQ(with("pac.m", "1.5").inner.m, 1.5);
}

TEST(Params, UnknownNameWithSuggestion) {
  EXPECT_EQ(error_of("cluster", "3"),
            "unknown parameter 'cluster': did you mean 'clusters'?; known are: rate, share, "
            "clusters, seed, centre, weights, pac.m, pac.restarts");
  EXPECT_EQ(error_of("something\n", "3"),
            "unknown parameter 'something\\x0a'; known are: rate, share, clusters, seed, centre, "
            "weights, pac.m, pac.restarts");
  EXPECT_CONTAINS(error_of("m", "2"), "unknown parameter 'm'");
}

TEST(Params, NotANumber) {
  EXPECT_EQ(error_of("rate", "fast"),
            "rate = 'fast' is not a number; give a value such as 0.5 or 1e-3");
  for (const char* text : {"", " 0.5", "0.5x", "nan", "inf", "-inf", "0,5"})
    EXPECT_CONTAINS(error_of("rate", text), "is not a number") << text;
  EXPECT_EQ(error_of("clusters", "ten"),
            "clusters = 'ten' is not a whole number; give digits such as 10");
  for (const char* text : {"", "3.0", "1e3", " 3", "3 ", "0x10", "--3"})
    EXPECT_CONTAINS(error_of("clusters", text), "is not a whole number") << text;
}

TEST(Params, NumbersBeyondTheirTypeSaySo) {
  EXPECT_EQ(error_of("clusters", "3000000000"),
            "clusters = 3000000000 is out of range: allowed is >= 2, at most 2147483647");
  EXPECT_CONTAINS(error_of("clusters", "99999999999999999999"),
                  "clusters = 99999999999999999999 is out of range");
  EXPECT_CONTAINS(error_of("seed", "-1"), "seed = -1 is out of range");
  EXPECT_EQ(error_of("pac.restarts", "3000000000"),
            "pac.restarts = 3000000000 is out of range: allowed is 1 to 1000");
  EXPECT_CONTAINS(error_of("rate", "1e999"), "rate = 1e999 is too large");
  EXPECT_CONTAINS(error_of("share", "1e300"), "out of range") << "infinite as a float";
}

TEST(Params, OpenAndClosedEnds) {
  EXPECT_EQ(error_of("rate", "0"), "rate = 0 is out of range: allowed is > 0 and < 1");
  EXPECT_EQ(error_of("rate", "1"), "rate = 1 is out of range: allowed is > 0 and < 1");
  EXPECT_EQ(error_of("clusters", "1"), "clusters = 1 is out of range: allowed is >= 2");
  EXPECT_EQ(with("clusters", "2").clusters, 2);
  EXPECT_EQ(with("pac.restarts", "1000").inner.restarts, 1000);
  EXPECT_CONTAINS(error_of("pac.restarts", "1001"), "allowed is 1 to 1000");
  EXPECT_CONTAINS(error_of("pac.restarts", "0"), "allowed is 1 to 1000");
}

TEST(Params, RangesRead) {
  EXPECT_EQ(Range{}.text(), "any number");
  EXPECT_EQ(above(1).text(), "> 1");
  EXPECT_EQ(at_least(0.5).text(), ">= 0.5");
  EXPECT_EQ(between(1, 10).text(), "1 to 10");
  EXPECT_EQ((Range{.high = 3}.text()), "<= 3");
  EXPECT_EQ((Range{.low = 0, .high = 1, .low_open = true}.text()), "> 0 and <= 1");
}

TEST(Params, UnknownChoiceWithSuggestion) {
  EXPECT_EQ(error_of("weights", "pm"),
            "weights = 'pm' is not known: allowed is p | p^m; did you mean 'p'?");
  EXPECT_EQ(error_of("weights", "uniform"), "weights = 'uniform' is not known: allowed is p | p^m");
}

TEST(Params, NotAFlag) {
  EXPECT_EQ(error_of("centre", "maybe"),
            "centre = 'maybe' is not a flag: allowed is true or false");
  EXPECT_EQ(error_of("centre", ""), "centre = '' is not a flag: allowed is true or false");
}

TEST(Params, ErrorsOfAnIncludedFieldNameItInFull) {
  EXPECT_EQ(error_of("pac.m", "1"), "pac.m = 1 is out of range: allowed is > 1");
  EXPECT_EQ(error_of("pac.m", "x"),
            "pac.m = 'x' is not a number; give a value such as 0.5 or 1e-3");
}

TEST(Params, ARefusedValueChangesNothing) {
  Example example;
  EXPECT_THROW(Example::fields().set(example, "clusters", "1"), UserError);
  EXPECT_EQ(example.clusters, 10);
}

TEST(Params, ValidateChecksWhatCodeSet) {
  const auto error = [](auto change) {
    Example example;
    change(example);
    return user_error_of([&] { Example::fields().validate(example); });
  };
  EXPECT_NO_THROW(Example::fields().validate({}));
  EXPECT_CONTAINS(error([](Example& e) { e.clusters = 1; }), "clusters = 1 is out of range");
  EXPECT_CONTAINS(error([](Example& e) { e.rate = std::nan(""); }), "rate = nan is out of range");
  EXPECT_CONTAINS(error([](Example& e) { e.share = std::numeric_limits<float>::infinity(); }),
                  "share = inf is out of range");
  EXPECT_CONTAINS(error([](Example& e) { e.inner.m = 0.5; }), "pac.m = 0.5 is out of range");
  EXPECT_CONTAINS(error([](Example& e) { e.weights = static_cast<Weights>(9); }),
                  "weights holds a value that is none of p | p^m");
}

TEST(Params, ValuesReadBackBySetGiveTheSame) {
  Example example;
  example.rate = 0.1 + 0.2;
  example.share = 1.0f / 3;
  example.seed = 123456789012345678u;
  example.weights = Weights::p_m;
  example.centre = false;
  example.inner.m = 1.0 + std::numeric_limits<double>::epsilon();
  Example copy;
  for (const auto& [name, text] : Example::fields().values(example))
    Example::fields().set(copy, name, text);
  EXPECT_EQ(copy.rate, example.rate);
  EXPECT_EQ(copy.share, example.share);
  EXPECT_EQ(copy.seed, example.seed);
  EXPECT_EQ(copy.weights, example.weights);
  EXPECT_EQ(copy.centre, example.centre);
  EXPECT_EQ(copy.inner.m, example.inner.m);
}

TEST(Params, DescriptionHoldsWhatHelpShows) {
  const auto infos = Example::fields().describe();
  ASSERT_EQ(infos.size(), 8u);
  const auto line = [&](int i) {
    return infos[i].name + '/' + infos[i].type + '/' + infos[i].default_value + '/' +
           infos[i].allowed + '/' + infos[i].help;
  };
  EXPECT_EQ(line(0), "rate/real/0.001/> 0 and < 1/step length");
  EXPECT_EQ(line(2), "clusters/integer/10/>= 2/how many");
  EXPECT_EQ(line(4), "centre/flag/true/true | false/subtract the mean");
  EXPECT_EQ(line(5), "weights/choice/p/p | p^m/what is aggregated");
  EXPECT_EQ(line(6), "pac.m/real/1.03/> 1/fuzziness");
  EXPECT_EQ(line(7), "pac.restarts/integer/10/1 to 1000/starts");
}

TEST(Params, ThoseWithoutEffectUnderTheOthersAreNamed) {
  auto fields = Example::fields();
  fields.only_with("centre", {"false"}, {"share", "rate"})
      .only_with("weights", {"p", "p^m"}, {"rate"});
  Example example;
  const auto idle = [&](const std::vector<std::string>& names) {
    return idle_parameters(names, fields.describe(), fields.values(example), GivenPart::none);
  };
  EXPECT_EQ(idle({"rate", "clusters"}),
            std::vector<std::string>{"rate has no effect: it counts only with centre = false and "
                                     "weights = p or p^m"});
  EXPECT_TRUE(idle({"clusters"}).empty());
  example.centre = false;
  EXPECT_TRUE(idle({"rate", "share"}).empty());
}

TEST(Params, ThoseOfATrainingWhosePlaceIsTakenAreNamed) {
  auto fields = Example::fields();
  fields.only_with("centre", {"true"}, {"rate"})
      .replaced_by(GivenPart::network, {"rate", "share"})
      .replaced_by(GivenPart::clusters, {"clusters"}, ParamCondition{"centre", {"false"}});
  Example example;
  const auto idle = [&](GivenPart given) {
    return idle_parameters({"rate", "clusters"}, fields.describe(), fields.values(example), given);
  };
  EXPECT_TRUE(idle(GivenPart::none).empty());
  EXPECT_EQ(idle(GivenPart::network),
            std::vector<std::string>{"rate has no effect: it counts only with centre = true and "
                                     "without --init-from"});
  EXPECT_EQ(idle(GivenPart::clusters),
            std::vector<std::string>{"clusters has no effect: it counts only where --init-from "
                                     "brings no clusters or with centre = false"});
  example.centre = false;  // which keeps them
  EXPECT_EQ(idle(GivenPart::clusters),
            std::vector<std::string>{"rate has no effect: it counts only with centre = true and "
                                     "without --init-from"});
}

}  // namespace
}  // namespace coterie
