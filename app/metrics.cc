#include "app/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <utility>

namespace fusiongateway {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Families {
 public:
  void Counter(std::string name, std::string help, double value) {
    Begin(std::move(name), std::move(help), MetricType::Counter);
    Labelled("", "", value);
  }
  void Gauge(std::string name, std::string help, double value) {
    Begin(std::move(name), std::move(help), MetricType::Gauge);
    Labelled("", "", value);
  }
  void Begin(std::string name, std::string help, MetricType type) {
    MetricFamily family;
    family.name = "fusion_gateway_" + std::move(name);
    family.help = std::move(help);
    family.type = type;
    families_.push_back(std::move(family));
  }
  void Labelled(const std::string& label, const std::string& id, double value) {
    ClientMetric metric;
    if (!label.empty()) metric.label.push_back({label, id});
    metric.counter.value = value;
    metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
  }
  std::string Text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<MetricFamily> families_;
};

// Counters of which each feed has its own.
template <typename Counters>
struct FeedTotal {
  const char* name;
  const char* help;
  std::uint64_t Counters::*member;
};
template <typename Counters>
void AddByFeed(const std::map<std::string, Counters>& feeds,
               std::initializer_list<FeedTotal<Counters>> totals, Families* out) {
  for (const auto& total : totals) {
    out->Begin(total.name, total.help, MetricType::Counter);
    for (const auto& [feed_id, counters] : feeds) {
      out->Labelled("feed", feed_id, static_cast<double>(counters.*total.member));
    }
  }
}

void AddIngress(const IngressCounters& ingress, Families* out) {
  const PublisherCounters& protocol = ingress.protocol;
  out->Counter("publisher_messages_total", "Messages from publishers", protocol.messages);
  out->Counter("publisher_payloads_total", "Payloads decoded", protocol.payloads);
  out->Gauge("publisher_waiting_bytes", "Bytes of messages taken and not yet decoded",
             protocol.waiting_bytes);
  out->Counter("publisher_rejections_total", "Payloads rejected and kept as dead letters",
               protocol.rejections);
  out->Counter("publisher_plugin_errors_total", "Payloads on which a plugin broke its contract",
               protocol.plugin_errors);
  out->Counter("publisher_unknown_codes_total", "Reports with a code that no table knows",
               protocol.unknown_codes);
  out->Counter("publisher_duplicates_total", "Payloads sent again and skipped",
               protocol.duplicates);
  out->Counter("publisher_busy_total", "Times a publisher was told busy", protocol.busy);
  out->Counter("publisher_malformed_total", "Messages that could not be read", protocol.malformed);
  out->Counter("publisher_too_large_total", "Messages over the size limit", protocol.too_large);
  out->Counter("publisher_fenced_total", "Sessions fenced by a newer one", protocol.fenced);
  out->Counter("publisher_fenced_hellos_total", "Hellos of fenced connections, refused",
               protocol.fenced_hellos);
  out->Counter("publisher_late_hellos_total",
               "Hellos overtaken by a later one of the same outbox, refused", protocol.late_hellos);
  out->Counter("publisher_fenced_forgotten_total",
               "Fenced connections forgotten because there were too many",
               protocol.fenced_forgotten);
  out->Counter("publisher_forbidden_total", "Hellos for a feed the key is not bound to",
               protocol.forbidden);
  out->Counter("publisher_feed_in_use_total",
               "Publishers refused while another has the feed's session", protocol.feed_in_use);
  out->Counter("publisher_exchanges_total", "Requests of publishers over HTTP",
               ingress.exchanges.begun);
  out->Gauge("publisher_exchanges_waiting", "Requests of publishers over HTTP that wait",
             ingress.exchanges.waiting);
  out->Counter("publisher_exchanges_refused_total", "Of those, beyond the limit",
               ingress.exchanges.refused);
  out->Counter("publisher_exchanges_timed_out_total", "Of those, answered before the commit",
               ingress.exchanges.timed_out);
  out->Counter("publisher_sessions_total", "Sessions opened", protocol.sessions_opened);
  out->Counter("publisher_sessions_timed_out_total", "Sessions that fell silent",
               protocol.sessions_timed_out);
  out->Counter("publisher_replies_dropped_total", "Replies to peers that were gone or did not read",
               ingress.replies_dropped);
  out->Counter("publisher_connections_closed_total",
               "Connections closed by the peer, or for a message over 16 MiB",
               ingress.connections_closed);
  out->Counter("publisher_unknown_keys_total", "Connections refused for an unknown key",
               ingress.unknown_keys);
  out->Counter("publisher_odd_frames_total", "Messages that were not exactly one frame",
               ingress.odd_frames);
  AddByFeed<FeedClockCounters>(
      ingress.clocks,
      {{"feed_reports_clock_off_total", "Reports whose clock is beyond its bound",
        &FeedClockCounters::clock_off},
       {"feed_reports_delayed_total", "Reports that came later than delay_max",
        &FeedClockCounters::delayed},
       {"feed_clock_steps_total", "Steps of clocks behind the feed",
        &FeedClockCounters::clock_steps},
       {"feed_clocks_forgotten_total", "Clocks forgotten to keep the bound",
        &FeedClockCounters::clocks_forgotten}},
      out);
  AddByFeed<PluginProcessCounters>(
      ingress.plugin_processes,
      {{"plugin_process_starts_total", "Processes started for an isolated plugin",
        &PluginProcessCounters::starts},
       {"plugin_process_crashes_total", "Times an isolated plugin ended on a payload",
        &PluginProcessCounters::crashes},
       {"plugin_process_timeouts_total", "Times an isolated plugin gave no answer and was killed",
        &PluginProcessCounters::timeouts}},
      out);
}

void AddFusion(const MetricsInput& input, Families* out) {
  out->Counter("log_entries_total", "Inputs written to the log", input.fusion.entries);
  out->Counter("commits_total", "Commits of the journal", input.journal.commits);
  out->Counter("commit_retries_total", "Commits tried again because the disk was full",
               input.fusion.commit_retries);
  out->Counter("log_duplicates_skipped_total", "Payloads that were under way twice",
               input.fusion.duplicates_skipped);
  out->Counter("queue_full_total", "Batches refused because the fusion queue was full",
               input.fusion.queue_full);
  out->Counter("actions_refused_total", "Operators' actions that were refused",
               input.fusion.actions_refused);
  out->Gauge("queue_payloads", "Payloads decoded and waiting for the fusion loop",
             input.fusion.queue_payloads);
  out->Gauge("incidents_open", "Incidents that are open", input.incidents_open);
  AddByFeed<FeedStatus>(
      input.fusion.feeds,
      {{"feed_reports_accepted_total", "Reports taken", &FeedStatus::accepted},
       {"feed_reports_duplicates_total", "Reports told again", &FeedStatus::duplicates},
       {"feed_reports_late_total", "Reports taken after their time was settled", &FeedStatus::late},
       {"feed_reports_stale_total", "Older updates than known", &FeedStatus::stale},
       {"feed_payloads_rejected_total", "Payloads rejected", &FeedStatus::rejected}},
      out);
}

void AddJournal(const MetricsInput& input, Families* out) {
  out->Counter("journal_rows_total", "Rows written", input.journal.rows);
  out->Counter("journal_bytes_total", "Bytes of rows written", input.journal.blob_bytes);
  out->Gauge("journal_file_bytes", "Bytes on disk, write-ahead log included",
             input.journal.file_bytes);
  out->Counter("journal_outboxes_forgotten_total",
               "Outboxes forgotten because their feed had used too many since",
               input.journal.outboxes_forgotten);
  out->Gauge("dead_letters", "Dead letters held", input.journal.dead_letters);
  out->Gauge("dead_letter_bytes", "Bytes of their payloads", input.journal.dead_letter_bytes);
  out->Counter("dead_letters_pruned_total", "Dead letters deleted to keep their bounds",
               input.journal.dead_letters_pruned);
  out->Gauge("stream_live_seq", "Newest seq of stream live", input.live.newest);
  out->Gauge("stream_settled_seq", "Newest seq of stream settled", input.settled.newest);
}

void AddCameras(const MetricsInput& input, Families* out) {
  const std::tuple<const char*, const char*, std::uint64_t CameraCounters::*> kTotals[] = {
      {"camera_frames_total", "Frames taken into the ring", &CameraCounters::frames},
      {"camera_bytes_total", "Bytes of those", &CameraCounters::bytes},
      {"camera_frames_unusable_total", "Frames without a key frame or too large",
       &CameraCounters::frames_unusable},
      {"camera_clock_outliers_total", "Frames whose media time contradicted their arrival",
       &CameraCounters::clock_outliers},
      {"camera_clock_epochs_total", "Time lines begun", &CameraCounters::clock_epochs},
      {"camera_connects_total", "Attempts to connect", &CameraCounters::connects},
      {"camera_reconnects_total", "Times frames came back after a loss",
       &CameraCounters::reconnects},
      {"camera_stalls_total", "Times media time stood still", &CameraCounters::stalls}};
  for (const auto& [name, help, member] : kTotals) {
    out->Begin(name, help, MetricType::Counter);
    for (const auto& camera : input.cameras) {
      out->Labelled("camera", camera.camera_id, static_cast<double>(camera.*member));
    }
  }
  out->Begin("camera_ring_bytes", "Bytes held in the ring", MetricType::Gauge);
  for (const auto& camera : input.cameras) {
    out->Labelled("camera", camera.camera_id, static_cast<double>(camera.ring_bytes));
  }
  out->Counter("decode_requests_total", "Pictures asked of the decode worker",
               input.decoder.requests);
  out->Counter("decode_answered_total", "Pictures decoded", input.decoder.answered);
  out->Counter("decode_undecodable_total", "Pictures that could not be decoded",
               input.decoder.undecodable);
  out->Counter("decode_worker_starts_total", "Times the worker was started",
               input.decoder.worker_starts);
  out->Counter("decode_refused_busy_total", "Pictures refused: the worker's queue was full",
               input.decoder.refused_busy);
  out->Counter("decode_timed_out_total", "Pictures that took too long", input.decoder.timed_out);
  out->Counter("decode_worker_lost_total", "Times the worker died on a picture",
               input.decoder.worker_lost);
}

void AddWall(const WallStatistics& wall, Families* out) {
  out->Gauge("wall_connections", "HTTP connections open", wall.connections_open);
  out->Gauge("wall_streams", "WebSockets open, of those", wall.streams_open);
  out->Counter("wall_connections_total", "HTTP connections taken", wall.connections_accepted);
  out->Counter("wall_connections_refused_total", "HTTP connections beyond the limit",
               wall.connections_refused);
  out->Counter("wall_connections_displaced_total",
               "HTTP connections closed while they asked nothing, for one beyond the limit",
               wall.connections_displaced);
  out->Counter("wall_requests_total", "HTTP requests", wall.requests);
  out->Counter("wall_requests_refused_total", "HTTP requests refused", wall.requests_refused);
  out->Counter("wall_requests_failed_total", "HTTP requests answered with 5xx",
               wall.requests_failed);
  out->Counter("wall_workers_full_total", "HTTP requests for which no worker was free",
               wall.workers_full);
  out->Counter("wall_pictures_refused_total", "Pictures refused: too many waited already",
               wall.snapshots_refused);
  out->Counter("wall_attachments_refused_total",
               "Attachments refused: too many were being read already", wall.attachments_refused);
  out->Counter("wall_records_sent_total", "Records sent to WebSockets", wall.records_sent);
  out->Counter("wall_streams_dropped_slow_total", "WebSockets closed because they read too slowly",
               wall.streams_dropped_slow);
  out->Gauge("wall_publisher_connections", "HTTP connections of publishers open",
             wall.publisher_connections);
  out->Counter("wall_publisher_connections_refused_total",
               "HTTP connections of publishers beyond their share",
               wall.publisher_connections_refused);
  out->Counter("wall_publisher_tokens_refused_total", "Publishers' requests without a feed's token",
               wall.publisher_tokens_refused);
  out->Counter("wall_publisher_requests_refused_total",
               "Publishers' requests that could not be read", wall.publisher_requests_refused);
}

void AddEvidence(const MetricsInput& input, Families* out) {
  out->Gauge("stills", "Evidence stills on disk", input.stills.files);
  out->Gauge("stills_bytes", "Bytes of evidence stills on disk", input.stills.bytes);
  out->Counter("stills_saved_total", "Evidence stills saved", input.stills.saved);
  out->Counter("stills_failed_total", "Evidence stills that could not be written",
               input.stills.failed);
  out->Counter("stills_not_kept_total", "Evidence frames that could not be decoded in time",
               input.stills_not_kept);
  out->Counter("stills_dropped_oldest_total", "Evidence stills deleted to keep the bound",
               input.stills.dropped_oldest);
  out->Gauge("attachments", "Attachments on disk", input.attachments.files);
  out->Gauge("attachments_bytes", "Bytes of attachments on disk", input.attachments.bytes);
  out->Counter("attachments_saved_total", "Attachments saved", input.attachments.saved);
  out->Counter("attachments_unsaved_total", "Attachments that could not be written",
               input.attachments.failed);
  out->Counter("attachments_dropped_oldest_total", "Attachments deleted to keep the bound",
               input.attachments.dropped_oldest);
  out->Counter("attachments_fetched_total", "Attachments fetched and kept",
               input.attachment_fetches.fetched);
  out->Gauge("attachments_waiting", "Attachments that wait to be fetched",
             input.attachment_fetches.waiting);
  out->Begin("attachments_failed_total", "Attachments of which nothing is kept",
             MetricType::Counter);
  for (const auto& [reason, count] : input.attachment_fetches.failed) {
    out->Labelled("reason", reason, static_cast<double>(count));
  }
}

void AddReaders(const MetricsInput& input, Families* out) {
  const ConsumerCounters& consumers = input.stream.consumers;
  out->Gauge("stream_consumers", "Reliable consumers subscribed", consumers.consumers);
  out->Counter("stream_subscriptions_total", "Subscriptions taken", consumers.subscriptions);
  out->Counter("stream_messages_sent_total", "Messages sent to reliable consumers",
               consumers.messages_sent);
  out->Counter("stream_records_sent_total", "Records sent to reliable consumers",
               consumers.records_sent);
  out->Counter("stream_restricted_withheld_total", "Records withheld for being restricted",
               consumers.restricted_withheld);
  out->Counter("stream_malformed_total", "Consumers' messages that could not be read",
               consumers.malformed);
  out->Counter("stream_too_large_total", "Consumers' messages over the size limit",
               consumers.too_large);
  out->Counter("stream_send_full_total", "Times a consumer's connection took no more for now",
               consumers.send_full);
  out->Counter("stream_bytes_full_total",
               "Times a consumer had so many bytes unacknowledged that it got no more",
               consumers.bytes_full);
  out->Counter("stream_journal_errors_total", "Times records could not be read for a consumer",
               consumers.journal_errors);
  out->Counter("stream_refused_total", "Subscriptions answered with an error", consumers.refused);
  out->Counter("stream_consumers_dropped_slow_total", "Consumers that gave no credit for too long",
               consumers.dropped_slow);
  out->Counter("stream_consumers_dropped_gone_total", "Consumers that vanished",
               consumers.dropped_gone);
  out->Counter("stream_keys_refused_total", "Connections refused for an unknown key",
               input.stream.keys_refused);
  out->Counter("broadcast_records_total", "Records broadcast", input.stream.broadcast_records);
  out->Counter("broadcast_errors_total", "Times records could not be read for the broadcast",
               input.stream.broadcast_errors);
  AddWall(input.wall, out);
}

}  // namespace

std::string MetricsText(const MetricsInput& input) {
  Families families;
  AddIngress(input.ingress, &families);
  AddFusion(input, &families);
  AddJournal(input, &families);
  AddCameras(input, &families);
  AddReaders(input, &families);
  AddEvidence(input, &families);
  families.Begin("thread_running", "1 while the gateway's own thread works", MetricType::Gauge);
  for (const auto& [name, running] : input.threads_running) {
    families.Labelled("thread", name, running ? 1 : 0);
  }
  families.Counter("tables_reloaded_total", "Times the code tables were read again",
                   input.tables_reloaded);
  families.Counter("tables_refused_total", "Times they were not taken, and the old ones stayed",
                   input.tables_refused);
  families.Gauge("host_clock_synchronised", "1 if the kernel says the host clock is synchronised",
                 input.host_clock.synchronised ? 1 : 0);
  families.Gauge("host_clock_error_max_seconds", "The kernel's bound of the host clock's error",
                 std::chrono::duration<double>(input.host_clock.error_max).count());
  return families.Text();
}

}  // namespace fusiongateway
