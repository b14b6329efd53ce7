#include "coterie/annotate/constraint_store.h"

#include <unistd.h>

#include <sqlite3.h>

#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kApplication = 0x436f7465;  // "Cote", in the file's header

constexpr std::array<std::pair<EventKind, std::string_view>, 6> kKinds = {
    {{EventKind::pair, "pair"},
     {EventKind::move, "move"},
     {EventKind::split, "split"},
     {EventKind::merge, "merge"},
     {EventKind::name, "name"},
     {EventKind::undo, "undo"}}};
constexpr std::array<std::pair<Answer, std::string_view>, 3> kAnswers = {
    {{Answer::must, "must"}, {Answer::cannot, "cannot"}, {Answer::skip, "skip"}}};

/// The whole schema. A file that holds anything else, such as a trigger, is not ours.
constexpr std::array<const char*, 4> kSchema = {
    "CREATE TABLE about (fingerprint TEXT NOT NULL, run TEXT NOT NULL) STRICT",
    "CREATE TABLE event (seq INTEGER PRIMARY KEY, time TEXT NOT NULL, annotator TEXT NOT NULL, "
    "round INTEGER NOT NULL, kind TEXT NOT NULL, a INTEGER, b INTEGER, answer TEXT, data TEXT, "
    "undoes INTEGER) STRICT",
    "CREATE TRIGGER event_is_final BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are "
    "only ever added'); END",
    "CREATE TRIGGER event_stays BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are only "
    "ever added'); END"};

template <class Names>
auto value_named(const Names& names, std::string_view name) {
  std::optional<typename Names::value_type::first_type> found;
  for (const auto& [value, known] : names)
    if (known == name) found = value;
  return found;
}

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

[[noreturn]] void refuse_damaged(const fs::path& path, std::string_view what) {
  throw UserError(
      "{} is damaged: {}; nothing was changed. Take it from a backup, or move it away to begin "
      "without its answers",
      printable(path.native()), what);
}

/// Throws unless the file's first 100 bytes are those of a store of ours: SQLite's own code is not
/// tried on anything else.
void check_header(const fs::path& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  constexpr std::size_t kApplicationAt = 68;
  const MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.size());
  std::int64_t application = 0;
  if (bytes.size() >= 100 && bytes.starts_with(kMagic))
    for (std::size_t i = 0; i < 4; ++i)
      application = application << 8 | static_cast<std::uint8_t>(bytes[kApplicationAt + i]);
  if (application != kApplication)
    throw UserError(
        "{} is no store of constraints that coterie wrote; nothing was changed. Move it away to "
        "begin a new one",
        printable(path.native()));
}

}  // namespace

std::string_view name_of(EventKind kind) { return kKinds[static_cast<std::size_t>(kind)].second; }
std::string_view name_of(Answer answer) {
  return kAnswers[static_cast<std::size_t>(answer)].second;
}
std::optional<Answer> answer_named(std::string_view name) { return value_named(kAnswers, name); }

/// An SQLite connection whose errors are UserErrors that name the file.
class ConstraintStore::Database {
 public:
  class Statement {
   public:
    Statement(Database& database, const char* sql) : database_(database) {
      database.check(sqlite3_prepare_v2(database.handle_, sql, -1, &handle_, nullptr));
    }
    ~Statement() { sqlite3_finalize(handle_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    /// The next row, or false after the last.
    bool step() {
      const int code = sqlite3_step(handle_);
      if (code != SQLITE_ROW && code != SQLITE_DONE) database_.check(code);
      return code == SQLITE_ROW;
    }
    void bind(int place, std::int64_t value) {
      database_.check(sqlite3_bind_int64(handle_, place, value));
    }
    void bind(int place, std::string_view text) {
      database_.check(sqlite3_bind_text64(handle_, place, text.data(), text.size(),
                                          SQLITE_TRANSIENT, SQLITE_UTF8));
    }
    bool null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
    std::int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
    std::string text(int column) const {
      const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
      return bytes ? std::string(bytes, sqlite3_column_bytes(handle_, column)) : std::string();
    }

   private:
    Database& database_;
    sqlite3_stmt* handle_ = nullptr;
  };

  /// `flags`: SQLITE_OPEN_...
  Database(fs::path path, int flags) : path_(std::move(path)) {
    const int code = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
    if (code != SQLITE_OK) {
      const std::string cause = handle_ ? sqlite3_errmsg(handle_) : "no memory";
      sqlite3_close(handle_);
      throw UserError("cannot open {}: {}", printable(path_.native()), cause);
    }
    sqlite3_extended_result_codes(handle_, 1);
    sqlite3_busy_timeout(handle_, 10'000);  // a reader that checkpoints, never a writer
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const char* sql) { check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }
  std::int64_t integer_of(const char* sql) {
    Statement statement(*this, sql);
    return statement.step() ? statement.integer(0) : 0;
  }
  /// Whether closing writes what the log holds into the file.
  void keep_log(bool keep) {
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0, nullptr);
  }

  void check(int code) {
    if (code == SQLITE_OK || code == SQLITE_DONE) return;
    const std::string cause = sqlite3_errmsg(handle_);
    const int kind = code & 0xff;
    if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB) refuse_damaged(path_, cause);
    const char* remedy = kind == SQLITE_FULL || kind == SQLITE_IOERR
                             ? "; free some space, nothing that was acknowledged is lost"
                             : "";
    throw UserError("{}: {}{}", printable(path_.native()), cause, remedy);
  }

  static void create(const fs::path& path, const StoreOwner& owner);
  /// Throws unless the file is sound and belongs to `owner`; gives its run.
  std::string check_owner(const StoreOwner& owner);
  std::vector<Event> read_events();
  void insert(const Event& event);

 private:
  fs::path path_;
  sqlite3* handle_ = nullptr;
};

/// Makes an empty store under a name of its own, so that it appears whole.
void ConstraintStore::Database::create(const fs::path& path, const StoreOwner& owner) {
  fs::path temporary = path;
  temporary.replace_filename(fmt::format(".coterie-{}.db.tmp", ::getpid()));
  std::error_code ignored;
  fs::remove(temporary, ignored);
  try {
    Database database(temporary, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    database.run(
        fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplication, kVersion)
            .c_str());
    for (const char* part : kSchema) database.run(part);
    Statement about(database, "INSERT INTO about VALUES (?1, ?2)");
    about.bind(1, owner.fingerprint);
    about.bind(2, owner.run);
    about.step();
  } catch (...) {
    fs::remove(temporary, ignored);
    throw;
  }
  std::error_code error;
  fs::rename(temporary, path, error);
  if (error)
    throw UserError("cannot create {}: {}; choose a run folder that you may write to",
                    printable(path.native()), error.message());
  flush_folder(path.parent_path());
}

std::string ConstraintStore::Database::check_owner(const StoreOwner& owner) {
  if (const auto version = integer_of("PRAGMA user_version"); version != kVersion)
    throw UserError("{} is of version {}, this coterie reads version {}; use a newer coterie",
                    printable(path_.native()), version, kVersion);
  {
    Statement check(*this, "PRAGMA quick_check(1)");
    if (!check.step() || check.text(0) != "ok") refuse_damaged(path_, check.text(0));
  }
  std::vector<std::string> schema;
  Statement parts(*this, "SELECT sql FROM sqlite_schema ORDER BY sql");
  while (parts.step()) schema.push_back(parts.text(0));
  if (!std::equal(schema.begin(), schema.end(), kSchema.begin(), kSchema.end()))
    refuse_damaged(path_, "its tables are not those of a store of constraints");

  Statement about(*this, "SELECT fingerprint, run FROM about");
  if (!about.step()) refuse_damaged(path_, "it does not say which data it belongs to");
  if (about.text(0) != owner.fingerprint)
    throw UserError(
        "{} belongs to other images (fingerprint {}...) than this run ({}...); nothing was "
        "changed. Move it away to begin a new one",
        printable(path_.native()), about.text(0).substr(0, 12), owner.fingerprint.substr(0, 12));
  if (!owner.run.empty() && about.text(1) != owner.run)
    throw UserError(
        "{} belongs to an earlier clustering in this folder, whose clusters had other numbers. "
        "Keep its answers with `coterie annotate RUN --export FILE.csv`, move the file and the "
        "folder rounds/ away, and bring them in with --import FILE.csv",
        printable(path_.native()));
  return about.text(1);
}

std::vector<Event> ConstraintStore::Database::read_events() {
  Statement rows(*this,
                 "SELECT seq, time, annotator, round, kind, a, b, answer, data, undoes FROM event "
                 "ORDER BY seq");
  std::vector<Event> events;
  while (rows.step()) {
    Event event{.seq = rows.integer(0),
                .time = rows.text(1),
                .annotator = rows.text(2),
                .round = rows.integer(3),
                .a = rows.integer(5),
                .b = rows.integer(6),
                .undoes = rows.integer(9)};
    const auto kind = value_named(kKinds, rows.text(4));
    const auto answer = answer_named(rows.text(7));
    if (!kind || (*kind == EventKind::pair && !answer) ||
        event.seq != static_cast<std::int64_t>(events.size()) + 1)
      refuse_damaged(path_, fmt::format("event {} makes no sense", event.seq));
    event.kind = *kind;
    event.answer = answer.value_or(Answer::skip);
    if (!rows.null(8)) event.data = nlohmann::json::parse(rows.text(8), nullptr, false);
    if (event.data.is_discarded())
      refuse_damaged(path_, fmt::format("the data of event {} is no JSON", event.seq));
    events.push_back(std::move(event));
  }
  return events;
}

void ConstraintStore::Database::insert(const Event& event) {
  Statement row(*this, "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
  row.bind(1, event.seq);
  row.bind(2, event.time);
  row.bind(3, event.annotator);
  row.bind(4, event.round);
  row.bind(5, name_of(event.kind));
  if (event.kind == EventKind::pair) {
    row.bind(6, event.a);
    row.bind(7, event.b);
    row.bind(8, name_of(event.answer));
  }
  if (!event.data.is_null()) row.bind(9, event.data.dump());
  if (event.kind == EventKind::undo) row.bind(10, event.undoes);
  row.step();
}

ConstraintStore::ConstraintStore(const fs::path& run, const StoreOwner& owner, Access access)
    : path_(run / kFile) {
  const bool writes = access == Access::write;
  if (writes)
    lock_.emplace(path_.native() + ".lock",
                  fmt::format("{} is open for annotation in another process; end that `coterie "
                              "annotate` first (its page can be open in several tabs)",
                              printable(path_.native())));
  if (!path_exists(path_)) {
    if (!writes) return;
    Database::create(path_, owner);
  }
  check_header(path_);
  database_ = std::make_unique<Database>(path_, SQLITE_OPEN_READWRITE);
  database_->keep_log(true);  // until it is known to be ours
  run_ = database_->check_owner(owner);
  events_ = database_->read_events();
  if (!writes) {
    database_.reset();
    return;
  }
  database_->run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database_->keep_log(false);
}

ConstraintStore::~ConstraintStore() = default;

void ConstraintStore::append(std::vector<Event> events) {
  if (!database_) throw std::logic_error("a store opened for reading cannot be appended to");
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].seq = static_cast<std::int64_t>(events_.size() + i) + 1;
    events[i].time = now_utc();
  }
  database_->run("BEGIN IMMEDIATE");
  try {
    for (const Event& event : events) database_->insert(event);
    database_->run("COMMIT");
  } catch (...) {
    // After a full disk SQLite may have ended the transaction by itself.
    try {
      database_->run("ROLLBACK");
    } catch (const UserError&) {
    }
    throw;
  }
  events_.insert(events_.end(), std::make_move_iterator(events.begin()),
                 std::make_move_iterator(events.end()));
}

}  // namespace coterie
