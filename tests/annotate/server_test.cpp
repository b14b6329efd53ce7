#include "coterie/annotate/server.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <regex>
#include <thread>

#include "annotate/made_run.h"
#include "annotate/raw_client.h"
#include "data/png_reader.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;
using Json = nlohmann::json;

constexpr std::int64_t kImages = 60;
constexpr AnnotatorPages kPages = {
    "<!doctype html><meta name=\"coterie-token\" content=\"{{token}}\"><title>a page</title>",
    "console.log(1);", "body { margin: 0 }"};

/// A server on a made run, and a client that knows what a browser does.
class Server : public ::testing::Test {
 protected:
  Server() {
    auto paths = made_paths(kImages);
    paths[0] = "<img src=x onerror=alert(1)>.png";
    session_ = std::make_unique<AnnotationSession>(
        made_run(folder_ / "run", falling_clusters(3, 20), paths),
        SessionOptions{.annotator = "Ada"}, trainer_);
    server_ = std::make_unique<AnnotationServer>(*session_, ServerOptions{}, kPages);
    serving_ = std::thread([this] { server_->run(); });
    log_in();
  }
  ~Server() override {
    session_->stop();
    server_->stop();
    serving_.join();
  }

  void log_in() {
    const std::string address = server_->address();
    const Reply reply = send("GET", address.substr(address.find("/?")), {{"Host", host()}}, "");
    ASSERT_EQ(reply.status, 303);
    const std::string cookie = reply.headers.at("set-cookie");
    cookie_ = cookie.substr(0, cookie.find(';'));
    std::smatch token;
    const std::string page = get("/").body;
    ASSERT_TRUE(std::regex_search(page, token, std::regex("content=\"([0-9a-f]{64})\"")));
    token_ = token[1];
  }

  std::string host() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  std::string origin() const { return "http://" + host(); }

  Reply send(const std::string& method, const std::string& target, HeaderList headers,
             const std::string& body) const {
    headers.emplace_back("Connection", "close");
    const auto replies =
        replies_in(exchange(server_->port(), request_text(method, target, headers, body)));
    return replies.empty() ? Reply{} : replies.at(0);
  }
  HeaderList get_headers() const { return {{"Host", host()}, {"Cookie", cookie_}}; }
  HeaderList post_headers(std::size_t length) const {
    return {{"Host", host()},
            {"Cookie", cookie_},
            {"Origin", origin()},
            {"X-Coterie-Token", token_},
            {"Content-Type", "application/json"},
            {"Content-Length", std::to_string(length)}};
  }
  /// The same with one header changed, or without it where `value` is empty.
  static HeaderList with(HeaderList headers, const std::string& name, const std::string& value) {
    std::erase_if(headers, [&](const auto& header) { return header.first == name; });
    if (!value.empty()) headers.emplace_back(name, value);
    return headers;
  }
  Reply get(const std::string& target) const { return send("GET", target, get_headers(), ""); }
  Reply post_text(const std::string& path, const std::string& body) const {
    return send("POST", path, post_headers(body.size()), body);
  }
  Reply post(const std::string& path, const Json& body) const {
    return post_text(path, body.dump());
  }
  std::size_t events() const {
    return ConstraintStore(folder_ / "run", {"f00d", ""}, ConstraintStore::Access::read)
        .events()
        .size();
  }

  TemporaryFolder folder_;
  FakeTrainer trainer_;
  std::unique_ptr<AnnotationSession> session_;
  std::unique_ptr<AnnotationServer> server_;
  std::thread serving_;
  std::string cookie_, token_;
};

const std::vector<std::string> kGets = {"/",
                                        "/annotate.js",
                                        "/annotate.css",
                                        "/api/state",
                                        "/api/questions?count=2",
                                        "/api/clusters",
                                        "/api/cluster?id=0",
                                        "/image/17",
                                        "/image/17?large=1"};
const std::vector<std::string> kPosts = {"/api/answer", "/api/undo", "/api/move", "/api/split",
                                         "/api/merge",  "/api/name", "/api/train"};

TEST_F(Server, TheTokenOfTheAddressOpensThePage) {
  EXPECT_TRUE(std::regex_match(server_->address(),
                               std::regex("http://127\\.0\\.0\\.1:[0-9]+/\\?token=[0-9a-f]{64}")))
      << server_->address();
  const std::string address = server_->address();
  const Reply reply = send("GET", address.substr(address.find("/?")), {{"Host", host()}}, "");
  EXPECT_EQ(reply.status, 303);
  EXPECT_EQ(reply.headers.at("location"), "/");
  EXPECT_TRUE(
      std::regex_match(reply.headers.at("set-cookie"),
                       std::regex("coterie_[0-9]+=[0-9a-f]{64}; HttpOnly; SameSite=Lax; Path=/")));
  const Reply page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_CONTAINS(page.body, "<title>a page</title>");
  EXPECT_EQ(page.body.find("{{"), std::string::npos);
  // All secrets differ: who sees one knows none of the others.
  const std::string token = address.substr(address.size() - 64);
  EXPECT_NE(token, token_);
  EXPECT_EQ(cookie_.find(token), std::string::npos);
  EXPECT_EQ(cookie_.find(token_), std::string::npos);
  EXPECT_EQ(get("/annotate.js").body, kPages.script);
  EXPECT_EQ(get("/annotate.css").body, kPages.style);
}

TEST_F(Server, EveryAnswerForbidsWhatThePageDoesNotNeed) {
  std::vector<Reply> replies = {send("GET", "/", {}, ""), get("/none"), get("/image/99999"),
                                post("/api/undo", Json::object()),
                                send("PUT", "/", get_headers(), "")};
  for (const auto& target : kGets) replies.push_back(get(target));
  for (const auto& reply : replies) {
    EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(reply.headers.at("cache-control"), "no-store");
    EXPECT_EQ(reply.headers.at("referrer-policy"), "no-referrer");
    EXPECT_EQ(reply.headers.at("content-security-policy"),
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
              "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    EXPECT_FALSE(reply.headers.contains("access-control-allow-origin"));
  }
}

TEST_F(Server, StrangersGetNothing) {
  const auto refused = [](const Reply& reply) {
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.headers.at("content-type"), "text/plain; charset=utf-8");
    EXPECT_LT(reply.body.size(), 100u);
  };
  std::string wrong = cookie_;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  const std::string name = cookie_.substr(0, cookie_.find('='));
  for (const std::string& cookie :
       {std::string(), wrong, name + "=", name + "=" + token_, "coterie=" + cookie_,
        cookie_.substr(name.size() + 1), cookie_ + "0", "x" + cookie_}) {
    for (const auto& target : kGets)
      refused(send("GET", target, with(get_headers(), "Cookie", cookie), ""));
    for (const auto& path : kPosts)
      refused(send("POST", path, with(post_headers(2), "Cookie", cookie), "{}"));
    refused(send("GET", "/none", with(get_headers(), "Cookie", cookie), ""));
    refused(send("DELETE", "/", with(get_headers(), "Cookie", cookie), ""));
  }
  for (const std::string& target :
       {std::string("/?token="), std::string("/?token=0"), "/?token=" + token_,
        "/?token=" + cookie_, std::string("/?token")})
    refused(send("GET", target, {{"Host", host()}}, ""));
  const std::string address = server_->address();
  refused(send("GET", address.substr(address.find("/?")) + "&token=1", {{"Host", host()}}, ""));
  EXPECT_EQ(events(), 0u);
  // Among other cookies the right one is found.
  EXPECT_EQ(
      send("GET", "/api/state", with(get_headers(), "Cookie", "a=b; " + cookie_ + "; c=d"), "")
          .status,
      200);
}

TEST_F(Server, OnlyItsOwnAddressIsAnswered) {
  for (const std::string& wrong :
       {std::string("evil.example"), "evil.example:" + std::to_string(server_->port()),
        std::string("127.0.0.1"), "localhost:" + std::to_string(server_->port()),
        host() + ".evil.example", host() + "0", std::string()}) {
    EXPECT_EQ(send("GET", "/api/state", with(get_headers(), "Host", wrong), "").status, 403);
    EXPECT_EQ(send("POST", "/api/train", with(post_headers(2), "Host", wrong), "{}").status, 403);
    const std::string address = server_->address();
    EXPECT_EQ(send("GET", address.substr(address.find("/?")), {{"Host", wrong}}, "").status, 403);
  }
  auto twice = get_headers();
  twice.emplace_back("Host", host());
  EXPECT_EQ(send("GET", "/api/state", twice, "").status, 403);
}

TEST_F(Server, OtherPagesChangeNothing) {
  const std::string body = R"({"cluster": 0, "name": "x"})";
  const auto send_with = [&](const std::string& header, const std::string& value) {
    return send("POST", "/api/name", with(post_headers(body.size()), header, value), body).status;
  };
  for (const std::string& wrong :
       {std::string(), std::string("null"), std::string("http://evil.example"), "https://" + host(),
        origin() + "/", origin() + ".evil.example",
        "http://localhost:" + std::to_string(server_->port())}) {
    EXPECT_EQ(send_with("Origin", wrong), 403) << wrong;
    if (!wrong.empty()) {
      EXPECT_EQ(send("GET", "/api/state", with(get_headers(), "Origin", wrong), "").status, 403);
    }
  }
  for (const std::string& wrong : {std::string(), std::string("0"), token_ + "0", cookie_})
    EXPECT_EQ(send_with("X-Coterie-Token", wrong), 403) << wrong;
  EXPECT_EQ(events(), 0u);
  EXPECT_EQ(send_with("Origin", origin()), 200);
  EXPECT_EQ(events(), 1u);
}

TEST_F(Server, OtherMethodsAreRefused) {
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
    for (const char* target : {"/", "/api/state", "/api/answer", "/image/1"})
      EXPECT_EQ(replies_in(exchange(server_->port(),
                                    request_text(method, target,
                                                 with(get_headers(), "Connection", "close"), "")))
                    .at(0)
                    .status,
                405)
          << method << " " << target;
  for (const auto& path : kPosts) EXPECT_EQ(get(path).status, 405) << path;
  for (const auto& target : kGets)
    EXPECT_EQ(send("POST", target.substr(0, target.find('?')), post_headers(2), "{}").status, 405);
  EXPECT_EQ(send("STEAL", "/", get_headers(), "").status, 400);
  EXPECT_EQ(events(), 0u);
}

TEST_F(Server, NoOtherAddressLeadsAnywhere) {
  using namespace std::string_literals;
  for (const std::string& target : {"/.."s,
                                    "/../etc/passwd"s,
                                    "/image/../api/state"s,
                                    "/%2e%2e/etc/passwd"s,
                                    "/image/%2e%2e/%2e%2e/etc/passwd"s,
                                    "//"s,
                                    "//api/state"s,
                                    "/api//state"s,
                                    "/api/state/"s,
                                    "/api/state%00"s,
                                    "/api/state%00.png"s,
                                    "/%61pi/state"s,
                                    "/api/states"s,
                                    "/api/stat"s,
                                    "/api"s,
                                    "/annotate.js.map"s,
                                    "/annotate.jsx"s,
                                    "/annotate.html"s,
                                    "/API/state"s,
                                    "/manifest.json"s,
                                    "/constraints.db"s,
                                    "/run/constraints.db"s,
                                    "/run"s,
                                    "/images/17"s,
                                    "/image"s,
                                    "/file:///etc/passwd"s,
                                    "http://evil.example/api/state"s,
                                    "/\\..\\.."s,
                                    "/api/state;x"s}) {
    const int status = get(target).status;
    EXPECT_TRUE(status == 404 || status == 400) << target << ": " << status;
  }
  for (const std::string& id : {""s, "-1"s, "60"s, "1e1"s, "0x1"s, "17/"s, "17/.."s, "../17"s,
                                "%31"s, "1%00"s, "17.png"s, "99999999999999999999"s}) {
    const int status = get("/image/" + id).status;
    EXPECT_TRUE(status == 404 || status == 400) << id << ": " << status;
  }
  EXPECT_EQ(get("/api/state\0"s).status, 400);
  EXPECT_EQ(events(), 0u);
}

TEST_F(Server, QueriesAreCheckedAgainstTheirRanges) {
  for (const char* target :
       {"/api/questions?count=0", "/api/questions?count=1001", "/api/questions?count=-1",
        "/api/questions?count=x", "/api/cluster", "/api/cluster?id=", "/api/cluster?id=3",
        "/api/cluster?id=-1", "/api/cluster?id=0&count=0", "/api/cluster?id=0&count=1001",
        "/api/cluster?id=0&offset=-1", "/api/cluster?id=0&order=random", "/api/state?after=x",
        "/api/state?after=-1"}) {
    const Reply reply = get(target);
    EXPECT_EQ(reply.status, 400) << target;
    EXPECT_TRUE(reply.json().at("error").is_string());
  }
  EXPECT_EQ(get("/api/state?" + std::string(3000, 'x')).status, 414);
}

TEST_F(Server, BodiesAreCheckedBeforeTheyAreUsed) {
  const auto status = [&](const HeaderList& headers, const std::string& body) {
    return send("POST", "/api/name", headers, body).status;
  };
  const std::string good = R"({"cluster": 0, "name": "x"})";
  const HeaderList headers = post_headers(good.size());
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded",
                           "multipart/form-data; boundary=x", "application/json; charset=latin1"})
    EXPECT_EQ(status(with(headers, "Content-Type", type), good), 415) << type;
  EXPECT_EQ(status(with(headers, "Content-Encoding", "gzip"), good), 415);
  EXPECT_EQ(status(with(headers, "Content-Length", ""), ""), 411);
  EXPECT_EQ(status(with(with(headers, "Content-Length", ""), "Transfer-Encoding", "chunked"),
                   "1b\r\n" + good + "\r\n0\r\n\r\n"),
            411);
  EXPECT_EQ(status(with(headers, "Content-Length", "-1"), good), 400);
  EXPECT_EQ(status(with(headers, "Content-Length", "99999999999999999999"), good), 400);
  EXPECT_EQ(status(with(headers, "Content-Length", "8388609"), std::string(8388609, ' ')), 413);
  EXPECT_EQ(status(with(headers, "Content-Length", "9999999999"), good), 413);
  for (const std::string& body :
       {std::string("x"), std::string("[]"), std::string("{}"), std::string("\0{}", 3),
        std::string(R"({"cluster": "0", "name": "x"})"), std::string(R"({"cluster": 0})"),
        std::string(R"({"cluster": 0.5, "name": "x"})"),
        std::string(R"({"cluster": 0, "name": ["x"]})"),
        std::string(R"({"cluster": 3, "name": "x"})"),
        std::string(R"({"cluster": -1, "name": "x"})"),
        std::string(R"({"cluster": 4294967296, "name": "x"})"),
        R"({"cluster": 0, "name": ")" + std::string(101, 'x') + "\"}", std::string(1 << 20, '[')}) {
    const Reply reply = post_text("/api/name", body);
    EXPECT_EQ(reply.status, 400) << body.substr(0, 50);
    EXPECT_TRUE(reply.json().at("error").is_string());
  }
  EXPECT_EQ(events(), 0u);
  EXPECT_EQ(status(headers, good), 200);
  EXPECT_EQ(status(with(headers, "Content-Type", "application/json; charset=utf-8"), good), 200);
}

TEST_F(Server, EachChangeChecksItsIds) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"/api/answer", R"({"question": -1, "answer": "must"})"},
      {"/api/answer", R"({"question": 3600, "answer": "must"})"},
      {"/api/answer", R"({"question": "1", "answer": "must"})"},
      {"/api/answer", R"({"question": 1, "answer": "perhaps"})"},
      {"/api/answer", R"({"question": 1, "answer": 1})"},
      {"/api/answer", R"({"answer": "must"})"},
      {"/api/move", R"({"images": [], "to": 1})"},
      {"/api/move", R"({"images": [60], "to": 1})"},
      {"/api/move", R"({"images": [-1], "to": 1})"},
      {"/api/move", R"({"images": [1.5], "to": 1})"},
      {"/api/move", R"({"images": [[1]], "to": 1})"},
      {"/api/move", R"({"images": 1, "to": 1})"},
      {"/api/move", R"({"images": [1], "to": 3})"},
      {"/api/move", R"({"images": [1], "to": -1})"},
      {"/api/move", R"({"images": [1]})"},
      {"/api/split", R"({"images": [60], "name": ""})"},
      {"/api/split", R"({"images": [1]})"},
      {"/api/split", R"({"images": [1], "name": 1})"},
      {"/api/merge", R"({"from": 0, "into": 0})"},
      {"/api/merge", R"({"from": 0, "into": 3})"},
      {"/api/merge", R"({"from": 9223372036854775807, "into": 0})"}};
  for (const auto& [path, body] : wrong) {
    const Reply reply = post_text(path, body);
    EXPECT_EQ(reply.status, 400) << path << " " << body << " " << reply.body;
    EXPECT_TRUE(reply.json().at("error").is_string());
  }
  EXPECT_EQ(events(), 0u);
}

TEST_F(Server, HeadersHaveAnEnd) {
  const auto status = [&](const HeaderList& headers) {
    return send("GET", "/api/state", headers, "").status;
  };
  auto many = get_headers();
  for (int i = 0; i < 3000; ++i) many.emplace_back("X-" + std::to_string(i), "some more text");
  EXPECT_NE(status(many), 200);
  EXPECT_NE(status(with(get_headers(), "X-Long", std::string(40'000, 'x'))), 200);
  EXPECT_NE(get("/api/state?" + std::string(100'000, 'x')).status, 200);
  EXPECT_EQ(status(get_headers()), 200);
}

TEST_F(Server, ABodyThatWasRefusedIsNotTheNextRequest) {
  const std::string inner =
      request_text("POST", "/api/name", post_headers(27), R"({"cluster": 0, "name": "x"})");
  for (const std::string& outer :
       {request_text("POST", "/api/name",
                     with(post_headers(inner.size()), "Origin", "http://evil.example"), inner),
        request_text("POST", "/none", post_headers(inner.size()), inner),
        request_text("GET", "/api/state",
                     with(get_headers(), "Content-Length", std::to_string(inner.size())), inner),
        request_text("PUT", "/api/state",
                     with(get_headers(), "Content-Length", std::to_string(inner.size())), inner)})
    EXPECT_EQ(replies_in(exchange(server_->port(), outer)).size(), 1u);
  EXPECT_EQ(events(), 0u);
}

TEST_F(Server, AWholeSessionOfChanges) {
  const Json questions = get("/api/questions?count=3").json();
  EXPECT_EQ(questions.at("round"), 1);
  ASSERT_EQ(questions.at("questions").size(), 3u);
  const auto id = questions.at("questions")[0].at("id");
  Reply reply = post("/api/answer", {{"question", id}, {"answer", "must"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.json().at("state").at("answered"), 1);
  EXPECT_EQ(events(), 1u);

  reply = post("/api/answer", {{"question", id}, {"answer", "cannot"}});
  EXPECT_EQ(reply.status, 409);
  EXPECT_CONTAINS(reply.json().at("error").get<std::string>(), "answered already");
  EXPECT_EQ(reply.json().at("state").at("answered"), 1);

  EXPECT_EQ(post("/api/move", {{"images", {3, 4}}, {"to", 1}}).status, 200);
  EXPECT_EQ(post("/api/split", {{"images", {41}}, {"name", "<b>\"'&"}}).status, 200);
  EXPECT_EQ(post("/api/merge", {{"from", 0}, {"into", 1}}).status, 200);
  EXPECT_EQ(post("/api/name", {{"cluster", 1}, {"name", "shoes"}}).status, 200);
  const Json clusters = get("/api/clusters").json().at("clusters");
  ASSERT_EQ(clusters.size(), 3u);
  EXPECT_EQ(clusters[0].at("name"), "shoes");
  EXPECT_EQ(clusters[0].at("size"), 40);
  EXPECT_EQ(clusters[2].at("name"), "<b>\"'&");
  const Json page = get("/api/cluster?id=1&offset=1&count=2&order=surest").json();
  EXPECT_EQ(page.at("total"), 40);
  EXPECT_EQ(page.at("images").size(), 2u);

  reply = post("/api/undo", Json::object());
  EXPECT_EQ(reply.json().at("undone"), Json({{"kind", "name"}, {"cluster", 1}, {"name", "shoes"}}));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(post("/api/undo", Json::object()).status, 200);
  EXPECT_EQ(post("/api/undo", Json::object()).status, 409);
  EXPECT_EQ(post("/api/train", Json::object()).status, 409);

  EXPECT_EQ(post("/api/answer", {{"question", id}, {"answer", "cannot"}}).status, 200);
  Json state = post("/api/train", Json::object()).json().at("state");
  while (state.at("round") == 1)
    state = get(fmt::format("/api/state?after={}", state.at("version").dump())).json();
  EXPECT_EQ(state.at("round"), 2);
}

TEST_F(Server, TwoClientsAtOnceOneWins) {
  const auto id = get("/api/questions?count=1").json().at("questions")[0].at("id");
  std::atomic<int> won{0}, lost{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      const int status = post("/api/answer", {{"question", id}, {"answer", "must"}}).status;
      won += status == 200;
      lost += status == 409;
    });
  for (auto& client : clients) client.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 7);
  EXPECT_EQ(events(), 1u);
}

TEST_F(Server, NamesOfFilesAreTextInJson) {
  const Reply reply = get("/api/cluster?id=0&count=1");
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  EXPECT_EQ(reply.json().at("images")[0].at("path"), "<img src=x onerror=alert(1)>.png");
}

TEST_F(Server, ImagesAreThoseOfTheirIds) {
  for (const int id : {0, 1, 17, 59}) {
    const Reply reply = get("/image/" + std::to_string(id));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.at("content-type"), "image/png");
    const PngImage image = read_png(reply.body);
    EXPECT_EQ(image.pixels, std::vector<std::uint8_t>(16, static_cast<std::uint8_t>(id)));
    const PngImage large = read_png(get(fmt::format("/image/{}?large=1", id)).body);
    EXPECT_EQ(large.width, 256);
    EXPECT_EQ(large.pixels[1000], id);
  }
}

TEST_F(Server, OnlyWhoNamesTheDataMayKeepItsImages) {
  const std::string key = get("/api/state").json().at("images_key");
  EXPECT_EQ(key, "f00d");
  EXPECT_EQ(get("/image/1?v=" + key).headers.at("cache-control"),
            "private, max-age=31536000, immutable");
  EXPECT_EQ(get("/image/1?v=beef").headers.at("cache-control"), "no-store");
  EXPECT_EQ(get("/image/1").headers.at("cache-control"), "no-store");
}

TEST_F(Server, APollWaitsForAChange) {
  const std::int64_t version = get("/api/state").json().at("version");
  std::atomic<bool> answered{false};
  Json after;
  std::thread waiting([&] {
    after = get(fmt::format("/api/state?after={}", version)).json();
    answered = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(answered);
  EXPECT_EQ(post("/api/name", {{"cluster", 0}, {"name", "x"}}).status, 200);
  waiting.join();
  EXPECT_GT(after.at("version"), version);
  EXPECT_EQ(after.at("undoable"), 1);
}

TEST_F(Server, SoManyMayWaitAndOthersAreStillServed) {
  const std::int64_t version = get("/api/state").json().at("version");
  std::atomic<int> served{0}, refused{0};
  std::vector<std::thread> waiting;
  for (int i = 0; i < 12; ++i)
    waiting.emplace_back([&] {
      const Reply reply = get(fmt::format("/api/state?after={}", version));
      served += reply.status == 200;
      refused += reply.status == 503;
    });
  while (refused < 4) std::this_thread::yield();
  EXPECT_EQ(get("/api/clusters").status, 200);
  EXPECT_EQ(post("/api/name", {{"cluster", 0}, {"name", "x"}}).status, 200);
  for (auto& thread : waiting) thread.join();
  EXPECT_EQ(served, 8);
  EXPECT_EQ(refused, 4);
}

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST_F(Server, SlowTenThousandRequestsLeaveNothingBehind) {
  httplib::Client client("127.0.0.1", server_->port());
  client.set_keep_alive(true);
  const httplib::Headers good = {{"Cookie", cookie_}};
  const httplib::Headers change = {
      {"Cookie", cookie_}, {"Origin", origin()}, {"X-Coterie-Token", token_}};
  const std::string large = "{\"images\": [" + std::string(200'000, ' ') + "60], \"to\": 1}";
  const auto round = [&](int requests) {
    for (int i = 0; i < requests; ++i) {
      const auto reply = [&]() -> httplib::Result {
        switch (i % 10) {
          case 0:
            return client.Get("/api/state", good);
          case 1:
            return client.Get("/image/" + std::to_string(i % kImages) + "?large=1", good);
          case 2:
            return client.Get("/api/clusters", good);
          case 3:
            return client.Get("/../etc/passwd", good);
          case 4:
            return client.Get("/api/state");
          case 5:
            return client.Get("/image/" + std::string(1000, '9'), good);
          case 6:
            return client.Get("/api/cluster?id=99", good);
          case 7:
            return client.Post("/api/merge", change, "{\"from\": 0, \"into\": 0}",
                               "application/json");
          case 8:
            return client.Post("/api/move", change, large, "application/json");
          default:
            return client.Get("/api/cluster?id=0", good);
        }
      }();
      ASSERT_TRUE(reply) << i;
      const int expected[] = {200, 200, 200, 404, 403, 400, 400, 400, 400, 200};
      ASSERT_EQ(reply->status, expected[i % 10]) << i;
    }
  };
  round(1000);  // Threads and buffers come into being.
  const std::int64_t before = resident_bytes();
  round(10'000);
  EXPECT_LT(resident_bytes() - before, 8 << 20);
  EXPECT_EQ(events(), 0u);
}

class ServerOptionsTest : public ::testing::Test {
 protected:
  std::string refusal(const ServerOptions& options) {
    return user_error_of([&] { AnnotationServer(session_, options, kPages); });
  }
  TemporaryFolder folder_;
  FakeTrainer trainer_;
  AnnotationSession session_{made_run(folder_ / "run", falling_clusters(2, 3)), {}, trainer_};
};

TEST_F(ServerOptionsTest, AHostThatOthersReachNeedsAToken) {
  EXPECT_CONTAINS(refusal({.host = "0.0.0.0", .token = "1234567890123456"}),
                  "--host '0.0.0.0' stands for all addresses");
  EXPECT_CONTAINS(
      refusal({.host = "127.0.0.2"}),
      "--host 127.0.0.2 can be reached from other machines: choose a --token of at least "
      "16 characters");
  EXPECT_CONTAINS(refusal({.token = "123456789012345"}), "--token: allowed are 16 to 200");
  EXPECT_CONTAINS(refusal({.token = "1234567890123456&"}), "letters, digits, - and _");
  const AnnotationServer open(session_, {.host = "127.0.0.2", .token = "1234567890123456"}, kPages);
  EXPECT_EQ(open.address(),
            fmt::format("http://127.0.0.2:{}/?token=1234567890123456", open.port()));
}

TEST_F(ServerOptionsTest, TheHostIsWrittenAsBrowsersWriteIt) {
  const AnnotationServer open(session_, {.host = "LocalHost", .token = "1234567890123456"}, kPages);
  EXPECT_EQ(open.address(),
            fmt::format("http://localhost:{}/?token=1234567890123456", open.port()));
}

TEST_F(ServerOptionsTest, PortsThatCannotBeUsedAreNamed) {
  EXPECT_CONTAINS(refusal({.port = 70000}), "--port 70000 is out of range");
  EXPECT_CONTAINS(refusal({.port = -1}), "--port -1 is out of range");
  const AnnotationServer first(session_, {}, kPages);
  EXPECT_CONTAINS(refusal({.port = first.port()}),
                  fmt::format("cannot listen on 127.0.0.1 port {}", first.port()));
  EXPECT_CONTAINS(refusal({.host = "192.0.2.1", .token = "1234567890123456"}), "cannot listen on");
}

}  // namespace
}  // namespace coterie
