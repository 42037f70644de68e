#include "proto/codec/json_form.h"

#include <google/protobuf/util/json_util.h>

#include <vector>

namespace fusiongateway {
namespace {

// Deeper than any message of the contract or native payload; keeps a hostile one off the stack.
constexpr int kNestingMax = 64;

// Finds the exact bytes of each element of `publish.payloads` and swaps it for a base64 string, so
// that protobuf's JSON reader, which refuses objects in `bytes`, sees what it wants.
//
// Works on the text and not on a parsed tree because "exact bytes" means exactly that: numbers,
// key order and white space inside an element are the source's own.
class PayloadExtractor {
 public:
  enum class Level { kMessage, kPublish, kPayloads, kOther };

  explicit PayloadExtractor(std::string_view text) : text_(text) {}

  // Reads the whole text, which begins at this level.
  Status Find(Level level, std::vector<std::string>* elements) {
    elements_ = elements;
    if (Status s = Value(0, level); !s.ok()) return s;
    SkipSpace();
    return at_ == text_.size() ? Status{} : Wrong("text after the message");
  }

  // The envelope with `payloads` emptied, and the elements found.
  Status Run(std::string* envelope, std::vector<std::string>* elements) {
    if (Status s = Find(Level::kMessage, elements); !s.ok()) return s;
    if (array_begin_ == 0) {
      *envelope = std::string(text_);
    } else {
      *envelope =
          std::string(text_.substr(0, array_begin_)) + "[]" + std::string(text_.substr(array_end_));
    }
    return {};
  }

 private:
  Status Wrong(std::string_view what) const {
    return InvalidArgument("not valid JSON: " + std::string(what) + " at byte " +
                           std::to_string(at_));
  }

  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Status String(std::string_view* raw) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != '"') return Wrong("a string was expected");
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return Wrong("a string does not end");
    *raw = text_.substr(begin, at_ - begin);
    ++at_;
    return {};
  }

  Status Value(int depth, Level level) {
    if (depth > kNestingMax) return Wrong("nested deeper than 64");
    SkipSpace();
    if (at_ >= text_.size()) return Wrong("the text ends too early");
    if (text_[at_] == '{') return Object(depth, level);
    if (text_[at_] == '[') return Array(depth, level);
    if (text_[at_] == '"') {
      std::string_view raw;
      return String(&raw);
    }
    const std::size_t begin = at_;
    SkipScalar();
    return at_ == begin ? Wrong("a value was expected") : Status{};
  }

  Status Object(int depth, Level level) {
    Take('{');
    if (Take('}')) return {};
    do {
      std::string_view key;
      if (Status s = String(&key); !s.ok()) return s;
      if (!Take(':')) return Wrong("':' was expected");
      Level inner = Level::kOther;
      if (level == Level::kMessage && key == "publish") inner = Level::kPublish;
      if (level == Level::kPublish && key == "payloads") inner = Level::kPayloads;
      if (Status s = Value(depth + 1, inner); !s.ok()) return s;
    } while (Take(','));
    return Take('}') ? Status{} : Wrong("'}' or ',' was expected");
  }

  // One payload element, by its brackets only: what is wrong inside it is for the feed's plugin to
  // say, so that the rest of the batch goes through.
  Status Element() {
    int open = 0;
    do {
      SkipSpace();
      if (at_ >= text_.size()) return Wrong("the text ends inside a payload");
      const char c = text_[at_];
      if (c == '"') {
        std::string_view raw;
        if (Status s = String(&raw); !s.ok()) return s;
      } else if (open == 0 && (c == ',' || c == ']' || c == '}')) {
        return Wrong("a payload was expected");
      } else {
        open += (c == '{' || c == '[') - (c == '}' || c == ']');
        ++at_;
        if (c != '{' && c != '[' && c != '}' && c != ']') SkipScalar();
      }
    } while (open > 0);
    return {};
  }

  void SkipScalar() {
    constexpr std::string_view kEnd = "\",[]{} \t\r\n";
    while (at_ < text_.size() && kEnd.find(text_[at_]) == std::string_view::npos) ++at_;
  }

  Status Array(int depth, Level level) {
    SkipSpace();
    const std::size_t begin = at_;
    Take('[');
    if (!Take(']')) {
      do {
        SkipSpace();
        const std::size_t element = at_;
        Status taken = level == Level::kPayloads ? Element() : Value(depth + 1, Level::kOther);
        if (!taken.ok()) return taken;
        if (level == Level::kPayloads) {
          elements_->emplace_back(text_.substr(element, at_ - element));
        }
      } while (Take(','));
      if (!Take(']')) return Wrong("']' or ',' was expected");
    }
    if (level == Level::kPayloads) {
      array_begin_ = begin;
      array_end_ = at_;
    }
    return {};
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t array_begin_ = 0;
  std::size_t array_end_ = 0;
  std::vector<std::string>* elements_ = nullptr;
};

Status ParseJson(std::string_view bytes, google::protobuf::Message* to) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(bytes.data(), bytes.size()), to, options);
  if (status.ok()) return {};
  return InvalidArgument("not this message in JSON: " + std::string(status.message()));
}

// A string element is base64 (of protobuf or any other bytes); anything else is the native value. A
// string that is not base64 stays what it is, for the feed's plugin to refuse by its seq.
std::string PayloadBytes(const std::string& element) {
  if (element.empty() || element.front() != '"') return element;
  v1::Publish holder;
  if (!ParseJson("{\"payloads\":[" + element + "]}", &holder).ok()) return element;
  return holder.payloads(0);
}

}  // namespace

WireForm DetectWireForm(std::string_view message) {
  return !message.empty() && message.front() == '{' ? WireForm::kJson : WireForm::kProtobuf;
}

Status ParseWire(std::string_view bytes, WireForm form, google::protobuf::Message* to) {
  if (form == WireForm::kJson) return ParseJson(bytes, to);
  if (to->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  return InvalidArgument("not a " + to->GetDescriptor()->full_name() + " in protobuf");
}

Status ParsePublisherMessage(std::string_view bytes, WireForm form, v1::PublisherMessage* to) {
  if (form == WireForm::kProtobuf) return ParseWire(bytes, form, to);
  std::string envelope;
  std::vector<std::string> elements;
  if (Status s = PayloadExtractor(bytes).Run(&envelope, &elements); !s.ok()) return s;
  if (Status s = ParseJson(envelope, to); !s.ok()) return s;
  if (elements.empty()) return {};
  for (const std::string& element : elements) {
    to->mutable_publish()->add_payloads(PayloadBytes(element));
  }
  return {};
}

Result<std::vector<std::string>> ParsePayloads(std::string_view array) {
  std::vector<std::string> elements;
  Status found = PayloadExtractor(array).Find(PayloadExtractor::Level::kPayloads, &elements);
  if (!found.ok()) return found;
  for (std::string& element : elements) element = PayloadBytes(element);
  return elements;
}

std::string SerialiseWire(const google::protobuf::Message& message, WireForm form) {
  return form == WireForm::kJson ? ToJson(message) : message.SerializeAsString();
}

std::string ToJson(const google::protobuf::Message& message) {
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json);
  // Fails only for instants outside years 1..9999, which the codec never makes.
  return status.ok() ? json : std::string("{}");
}

}  // namespace fusiongateway
