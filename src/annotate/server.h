#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "coterie/annotate/annotation_session.h"

namespace coterie {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 0;       ///< 0: one that is free
  std::string token;  ///< in the address that opens the page; empty: a random one
};

/// The files of the page. In the HTML {{token}} stands for what its changes must carry.
struct AnnotatorPages {
  std::string_view html, script, style;
};

/// Those that are part of the program.
AnnotatorPages annotator_pages();

/// Serves the annotator's page and its API (docs/annotator.md) to the browsers of those who know
/// the token, and to nobody else. Nothing that a client sends becomes a path or an address.
class AnnotationServer {
 public:
  static constexpr std::size_t kShortestToken = 16;  ///< of those that are given

  /// Takes the port. `session` must live as long. Throws UserError where host, port or token
  /// cannot be used: a host that others can reach needs a token.
  AnnotationServer(AnnotationSession& session, ServerOptions options, AnnotatorPages pages);
  ~AnnotationServer();

  int port() const;
  /// http://127.0.0.1:PORT/?token=..., what to open in a browser.
  std::string address() const;

  /// Serves until `stop` is called from another thread, and returns when all answers are out.
  /// The session must be stopped before, or those who wait for its changes hold the end up.
  void run();
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace coterie
