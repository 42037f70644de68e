#include "pipeline/feeds/net_address.h"

#include <algorithm>

namespace fusiongateway {
namespace {

constexpr std::string_view kFullWidthAt = "＠";
constexpr std::string_view kAccount = "***@";
constexpr std::string_view kAuthority = "://";

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsLetterOrDigit(char c) { return IsLetter(c) || (c >= '0' && c <= '9'); }

bool IsMailbox(char c) {
  return IsLetterOrDigit(c) || std::string_view(".%+_-").find(c) != std::string_view::npos;
}

// The length of "example.com" at the beginning of a text; 0 if there is no name with a top level of
// letters.
std::size_t DomainLength(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() &&
         (IsLetterOrDigit(text[end]) || text[end] == '-' || text[end] == '.')) {
    ++end;
  }
  std::string_view name = text.substr(0, end);
  // Without a full stop that ends the sentence.
  while (name.ends_with('.') || name.ends_with('-')) name.remove_suffix(1);
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos || dot == 0 || name.size() - dot - 1 < 2) return 0;
  const std::string_view top = name.substr(dot + 1);
  return std::all_of(top.begin(), top.end(), IsLetter) ? name.size() : 0;
}

std::string WithoutAccounts(std::string_view text) {
  std::string masked;
  for (;;) {
    const std::size_t scheme = text.find(kAuthority);
    if (scheme == text.npos) break;
    const std::size_t begin = scheme + kAuthority.size();
    std::string_view authority = text.substr(begin);
    authority = authority.substr(0, authority.find_first_of("/?#\\ \t\r\n\"'<>"));
    const std::size_t at = authority.rfind('@');
    masked += text.substr(0, begin);
    text.remove_prefix(begin);
    if (at == authority.npos) continue;
    masked += kAccount;
    text.remove_prefix(at + 1);
  }
  return masked += text;
}

std::string WithoutMail(std::string_view text) {
  std::string masked;
  for (std::size_t from = 0;;) {
    const std::size_t ascii = text.find('@', from), wide = text.find(kFullWidthAt, from);
    const std::size_t at = std::min(ascii, wide);
    if (at == text.npos) break;
    from = at + (at == ascii ? 1 : kFullWidthAt.size());
    const std::size_t domain = DomainLength(text.substr(from));
    std::size_t begin = at;
    while (begin > 0 && IsMailbox(text[begin - 1])) --begin;
    if (domain == 0 || begin == at) continue;
    masked += text.substr(0, begin);
    masked += kMaskedMail;
    text.remove_prefix(from + domain);
    from = 0;
  }
  return masked += text;
}

}  // namespace

std::string MaskAddresses(std::string_view text) {
  if (text.find('@') == text.npos && text.find(kFullWidthAt) == text.npos) return std::string(text);
  return WithoutMail(WithoutAccounts(text));
}

}  // namespace fusiongateway
