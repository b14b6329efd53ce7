#include "coterie/annotate/server.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "coterie/annotate/embedded.h"
#include "coterie/annotate/http_server.h"
#include "coterie/annotate/picture.h"
#include "coterie/annotate/request_fields.h"
#include "coterie/annotate/secrets.h"
#include "coterie/annotate/session_json.h"
#include "coterie/core/error.h"
#include "coterie/core/text.h"
#include "coterie/data/row_files.h"
#include "coterie/data/source.h"

namespace coterie {
namespace {

using httplib::Request;
using httplib::Response;
using HandlerResponse = httplib::Server::HandlerResponse;

constexpr std::chrono::seconds kLongPoll{25};
constexpr int kMostWaiting = 8;  // long polls at a time
constexpr std::int64_t kQuestions = 20;
constexpr std::int64_t kMostQuestions = 1000;

enum Status {
  kOk = 200,
  kSeeOther = 303,
  kBadRequest = 400,
  kForbidden = 403,
  kNotFound = 404,
  kNotAllowed = 405,
  kConflict = 409,
  kLengthRequired = 411,
  kTooLarge = 413,
  kTargetTooLong = 414,
  kWrongType = 415,
  kOurFault = 500,
  kBusy = 503,
};

const httplib::Headers kHeaders = {
    {"X-Content-Type-Options", "nosniff"},
    {"Cache-Control", "no-store"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}};

/// An answer instead of the one asked for.
struct Refusal {
  int status;
  std::string text;
};

void answer_json(Response& response, const nlohmann::json& json, int status = kOk) {
  response.status = status;
  response.set_content(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                       "application/json");
}

/// A header that must stand there once.
std::optional<std::string> single_header(const Request& request, const char* name) {
  if (request.get_header_value_count(name) != 1) return std::nullopt;
  return request.get_header_value(name);
}

std::string_view cookie_value(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view cookie = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    cookie.remove_prefix(std::min(cookie.find_first_not_of(' '), cookie.size()));
    const std::size_t equals = cookie.find('=');
    if (equals != std::string_view::npos && cookie.substr(0, equals) == name)
      return cookie.substr(equals + 1);
  }
  return {};
}

bool loopback(const std::string& host) {
  return host == "127.0.0.1" || host == "::1" || host == "localhost";
}

std::string page_of(std::string_view html, const std::string& token) {
  constexpr std::string_view kSlot = "{{token}}";
  std::string page(html);
  for (std::size_t at = page.find(kSlot); at != std::string::npos; at = page.find(kSlot, at))
    page.replace(at, kSlot.size(), token);
  return page;
}

ClusterPage cluster_page(const Request& request) {
  ClusterPage page;
  if (!request.has_param("id")) throw UserError("id is missing");
  page.cluster = parse_digits("id", request.get_param_value("id"));
  if (request.has_param("offset"))
    page.offset = parse_digits("offset", request.get_param_value("offset"));
  if (request.has_param("count"))
    page.count = parse_digits("count", request.get_param_value("count"));
  if (request.has_param("order")) {
    const std::string order = request.get_param_value("order");
    if (order != "surest" && order != "unsure")
      throw UserError("order is '{}'; allowed is surest or unsure", printable(order));
    page.unsure_first = order == "unsure";
  }
  return page;
}

}  // namespace

class AnnotationServer::Implementation {
 public:
  Implementation(AnnotationSession& session, ServerOptions options, AnnotatorPages pages)
      : session_(session), options_(std::move(options)), pages_(pages) {
    check_options();
    // As browsers write it in the headers that are compared with it.
    options_.host = lower_case(std::move(options_.host));
    if (options_.token.empty()) options_.token = new_secret();
    page_ = page_of(pages_.html, page_token_);
    images_key_ = session.dataset().fingerprint.substr(0, 16);
    bind();
    server_.set_default_headers(kHeaders);
    server_.set_pre_routing_handler([this](const Request& request, Response& response) {
      return refusing(response, [&] { return admit(request, response); });
    });
    // All checks are done by now; the path is one of the known ones.
    server_.Post(".*", [this](const Request& request, Response& response,
                              const httplib::ContentReader& reader) {
      refusing(response, [&] {
        change(request, response, reader);
        return HandlerResponse::Handled;
      });
    });
    server_.set_exception_handler([](const Request&, Response& response, std::exception_ptr) {
      answer_json(response, {{"error", "this is a fault of coterie, please report it"}}, kOurFault);
    });
  }

  int port() const { return options_.port; }
  std::string origin() const {
    const bool v6 = options_.host.find(':') != std::string::npos;
    const std::string port = options_.port == 80 ? "" : fmt::format(":{}", options_.port);
    return fmt::format("http://{}{}{}{}", v6 ? "[" : "", options_.host, v6 ? "]" : "", port);
  }
  std::string address() const { return origin() + "/?token=" + options_.token; }

  void run() {
    if (!server_.listen_after_bind() && !stopping_)
      throw UserError("{} takes no connections any more; start `coterie annotate` again", origin());
  }
  void stop() {
    stopping_ = true;
    server_.finish();
    server_.stop();
  }

 private:
  void check_options() const {
    if (options_.port < 0 || options_.port > 65535)
      throw UserError("--port {} is out of range: allowed is 0 (one that is free) to 65535",
                      options_.port);
    if (options_.host.empty() || options_.host == "0.0.0.0" || options_.host == "::")
      throw UserError(
          "--host '{}' stands for all addresses, but pages are served under one: give that by "
          "which "
          "others reach this machine",
          printable(options_.host));
    if (options_.token.empty()) {
      if (!loopback(options_.host))
        throw UserError(
            "--host {} can be reached from other machines: choose a --token of at least {} "
            "characters, as long as your answers should stay yours",
            printable(options_.host), kShortestToken);
      return;
    }
    const bool plain = std::all_of(options_.token.begin(), options_.token.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_';
    });
    if (options_.token.size() < kShortestToken || options_.token.size() > 200 || !plain)
      throw UserError("--token: allowed are {} to 200 letters, digits, - and _", kShortestToken);
  }

  void bind() {
    const bool free_port = options_.port == 0;
    if (free_port) options_.port = server_.bind_to_any_port(options_.host);
    if (options_.port < 0 || (!free_port && !server_.bind_to_port(options_.host, options_.port)))
      throw UserError(
          "cannot listen on {} port {}: another program has it, or the address is not one of this "
          "machine's; choose another --port or --host",
          printable(options_.host), free_port ? 0 : options_.port);
    cookie_name_ = fmt::format("coterie_{}", options_.port);
  }

  /// Runs a handler; what it throws becomes the answer.
  HandlerResponse refusing(Response& response, const std::function<HandlerResponse()>& handler) {
    try {
      return handler();
    } catch (const Refusal& refusal) {
      // A stranger gets a text, as what asks may be a browser that is shown it.
      if (refusal.status == kForbidden) {
        response.set_content(refusal.text + "\n", "text/plain; charset=utf-8");
        response.status = kForbidden;
      } else {
        answer_json(response, {{"error", refusal.text}}, refusal.status);
      }
    } catch (const UserError& error) {
      answer_json(response, {{"error", error.what()}}, kBadRequest);
    } catch (const Conflict& conflict) {
      answer_json(response, {{"error", conflict.what()}, {"state", state()}}, kConflict);
    }
    return HandlerResponse::Handled;
  }

  /// Looks at who asks before anything else, then answers a GET; a POST goes on to `change`.
  HandlerResponse admit(const Request& request, Response& response) {
    if (request.target.size() > HttpLimits::kTargetBytes)
      throw Refusal{kTargetTooLong, "the address is too long"};
    const std::string path = request.target.substr(0, request.target.find('?'));
    const std::string own = origin();
    if (single_header(request, "Host") != own.substr(own.find("//") + 2))
      throw Refusal{kForbidden, "the Host header is not the address that coterie printed"};
    if (request.has_header("Origin") && single_header(request, "Origin") != own)
      throw Refusal{kForbidden, "the request comes from another page"};
    if (request.method == "GET" && path == "/" && request.has_param("token"))
      return let_in(request, response);
    const auto cookies = single_header(request, "Cookie");
    if (!cookies || !same_secret(cookie_value(*cookies, cookie_name_), cookie_))
      throw Refusal{kForbidden, "open the address that `coterie annotate` printed"};

    const bool gets = gets_.contains(path) || path.starts_with(kImages);
    const bool posts = posts_.contains(path);
    if (request.method != "GET" && request.method != "POST")
      throw Refusal{kNotAllowed, "only GET and POST are known here"};
    if (!gets && !posts) throw Refusal{kNotFound, "there is nothing under this address"};
    if ((request.method == "GET") != gets)
      throw Refusal{kNotAllowed, gets ? "only GET is known here" : "only POST is known here"};
    if (posts) {
      check_change(request);
      return HandlerResponse::Unhandled;
    }
    response.status = kOk;
    if (path.starts_with(kImages)) {
      image(path.substr(kImages.size()), request, response);
    } else {
      gets_.at(path)(request, response);
    }
    return HandlerResponse::Handled;
  }

  /// The cookie goes with a link from anywhere, as those who open the printed address in a web
  /// mail or a terminal in the browser come from another page; what changes anything asks for more.
  HandlerResponse let_in(const Request& request, Response& response) {
    if (request.get_param_value_count("token") != 1 ||
        !same_secret(request.get_param_value("token"), options_.token))
      throw Refusal{kForbidden,
                    "the token is wrong: open the address that `coterie annotate` printed"};
    response.status = kSeeOther;
    response.set_header(
        "Set-Cookie", fmt::format("{}={}; HttpOnly; SameSite=Lax; Path=/", cookie_name_, cookie_));
    response.set_header("Location", "/");
    return HandlerResponse::Handled;
  }

  void check_change(const Request& request) const {
    if (single_header(request, "Origin") != origin())
      throw Refusal{kForbidden, "changes come from the annotator's own page"};
    const auto token = single_header(request, "X-Coterie-Token");
    if (!token || !same_secret(*token, page_token_))
      throw Refusal{kForbidden, "the page is of an earlier start; load it again"};
    const auto type = single_header(request, "Content-Type");
    if ((type != "application/json" && type != "application/json; charset=utf-8") ||
        request.has_header("Content-Encoding"))
      throw Refusal{kWrongType, "changes are plain application/json"};
    const auto length = single_header(request, "Content-Length");
    if (!length || request.has_header("Transfer-Encoding"))
      throw Refusal{kLengthRequired, "the body's length must be said"};
    if (parse_digits("Content-Length", *length) > HttpLimits::kBodyBytes)
      throw Refusal{kTooLarge,
                    fmt::format("the body is larger than {} bytes: send fewer images at once",
                                HttpLimits::kBodyBytes)};
  }

  void change(const Request& request, Response& response, const httplib::ContentReader& reader) {
    std::string text;
    const bool whole = reader([&](const char* bytes, std::size_t count) {
      text.append(bytes, count);
      return text.size() <= HttpLimits::kBodyBytes;
    });
    if (!whole) throw Refusal{kBadRequest, "the body ends before its length"};
    const std::string path = request.target.substr(0, request.target.find('?'));
    nlohmann::json answer = posts_.at(path)(parse_body(text));
    answer["state"] = state();
    answer_json(response, answer);
  }

  nlohmann::json state() const {
    auto state = session_.state();
    state["images_key"] = images_key_;
    return state;
  }

  void poll(const Request& request, Response& response) {
    if (!request.has_param("after")) return answer_json(response, state());
    const std::int64_t after = parse_digits("after", request.get_param_value("after"));
    const struct Waiting {
      explicit Waiting(std::atomic<int>& count) : count_(count), place_(++count) {}
      ~Waiting() { --count_; }
      std::atomic<int>& count_;
      int place_;
    } waiting(waiting_);
    if (waiting.place_ > kMostWaiting) {
      response.set_header("Retry-After", "5");
      throw Refusal{kBusy, "too many pages wait for changes; close some"};
    }
    session_.state_after(after, kLongPoll);
    answer_json(response, state());
  }

  void image(const std::string& id, const Request& request, Response& response) {
    const std::int64_t image = parse_digits("image", id);
    if (image >= session_.dataset().size())
      throw UserError("image {} is out of range: allowed is 0 to {}", image,
                      session_.dataset().size() - 1);
    const bool large = request.has_param("large") && request.get_param_value("large") == "1";
    response.set_content(large ? large_picture(session_.dataset(), image, files_)
                               : small_picture(session_.dataset(), image),
                         "image/png");
    // Another run may be shown under this address tomorrow: only who names these images may keep
    // them.
    if (request.has_param("v") && request.get_param_value("v") == images_key_) {
      response.headers.erase("Cache-Control");
      response.set_header("Cache-Control", "private, max-age=31536000, immutable");
    }
  }

  static constexpr std::string_view kImages = "/image/";

  using Get = std::function<void(const Request&, Response&)>;
  using Post = std::function<nlohmann::json(const nlohmann::json& body)>;

  const std::map<std::string, Get> gets_ = {
      {"/",
       [this](auto&, auto& response) { response.set_content(page_, "text/html; charset=utf-8"); }},
      {"/annotate.js",
       [this](auto&, auto& response) {
         response.set_content(pages_.script.data(), pages_.script.size(),
                              "text/javascript; charset=utf-8");
       }},
      {"/annotate.css",
       [this](auto&, auto& response) {
         response.set_content(pages_.style.data(), pages_.style.size(), "text/css; charset=utf-8");
       }},
      {"/api/state", [this](auto& request, auto& response) { poll(request, response); }},
      {"/api/questions",
       [this](auto& request, auto& response) {
         const std::int64_t count = request.has_param("count")
                                        ? parse_digits("count", request.get_param_value("count"))
                                        : kQuestions;
         if (count < 1 || count > kMostQuestions)
           throw UserError("count {} is out of range: allowed is 1 to {}", count, kMostQuestions);
         answer_json(response, session_.questions(count));
       }},
      {"/api/clusters",
       [this](auto&, auto& response) { answer_json(response, session_.clusters()); }},
      {"/api/cluster", [this](auto& request, auto& response) {
         answer_json(response, session_.cluster(cluster_page(request)));
       }}};

  const std::map<std::string, Post> posts_ = {
      {"/api/answer",
       [this](const auto& body) {
         const std::string text = text_field(body, "answer");
         const auto answer = answer_named(text);
         if (!answer)
           throw UserError("answer is '{}'; allowed is must, cannot or skip", printable(text));
         session_.answer(integer_field(body, "question"), *answer);
         return nlohmann::json::object();
       }},
      {"/api/undo",
       [this](const auto&) {
         return nlohmann::json{{"undone", session_.undo()}};
       }},
      {"/api/move",
       [this](const auto& body) {
         session_.move(integers_field(body, "images"), integer_field(body, "to"));
         return nlohmann::json::object();
       }},
      {"/api/split",
       [this](const auto& body) {
         session_.split(integers_field(body, "images"), text_field(body, "name"));
         return nlohmann::json::object();
       }},
      {"/api/merge",
       [this](const auto& body) {
         session_.merge(integer_field(body, "from"), integer_field(body, "into"));
         return nlohmann::json::object();
       }},
      {"/api/name",
       [this](const auto& body) {
         session_.name(integer_field(body, "cluster"), text_field(body, "name"));
         return nlohmann::json::object();
       }},
      {"/api/train",
       [this](const auto&) {
         session_.train();
         return nlohmann::json::object();
       }},
      {"/api/stop", [this](const auto&) {
         session_.stop_training();
         return nlohmann::json::object();
       }}};

  AnnotationSession& session_;
  ServerOptions options_;
  AnnotatorPages pages_;
  const std::string cookie_ = new_secret();
  const std::string page_token_ = new_secret();
  std::string cookie_name_, page_, images_key_;
  const std::optional<std::filesystem::path> files_ =
      folder_of_row_files(session_.dataset().source);
  std::atomic<int> waiting_{0};
  std::atomic<bool> stopping_{false};
  HttpServer server_;
};

AnnotatorPages annotator_pages() {
  return {embedded::annotate_html(), embedded::annotate_js(), embedded::annotate_css()};
}

AnnotationServer::AnnotationServer(AnnotationSession& session, ServerOptions options,
                                   AnnotatorPages pages)
    : implementation_(std::make_unique<Implementation>(session, std::move(options), pages)) {}
AnnotationServer::~AnnotationServer() = default;
int AnnotationServer::port() const { return implementation_->port(); }
std::string AnnotationServer::address() const { return implementation_->address(); }
void AnnotationServer::run() { implementation_->run(); }
void AnnotationServer::stop() { implementation_->stop(); }

}  // namespace coterie
