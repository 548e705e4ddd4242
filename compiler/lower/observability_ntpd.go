package lower

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// kernelClockError is the bound on the error of a host's clock in the kernel's view: the offset that ntpd last gave it, and
// its greatest error. The kernel adds 0.5 ms to that in each second, and ntpd sets it anew with an update, to half the
// round trip and dispersion (NTPsec 1.2.2 ntp_loopfilter.c, local_clock). With sources asked every 64 s there is an update
// among eight at least, so that the lowest of ten minutes is what ntpd set, and grows when it sets nothing any more.
const kernelClockError = "instance:timex_clock_error_seconds"

// kernelTimeRules watch the clocks of hosts that run ntpd by node_exporter's timex collector, which is on by default. What
// ntpd thinks of its sources no exporter tells.
func (l *lowering) kernelTimeRules() {
	t := l.s.Time
	rules := []ir.Rule{
		{Record: kernelClockError, Why: "time/clock-error",
			Expr: "abs(node_timex_offset_seconds) + min_over_time(node_timex_maxerror_seconds[10m])"},
		{Alert: "ClockErrorHigh", Severity: warning, For: "10m", From: ir.From{"time.maxOffset"},
			Expr:        kernelClockError + " > " + decimal(site.ParseDuration(t.MaxOffset).Seconds()),
			Summary:     "The clock of {{ $labels.instance }} may be off by more than the site allows.",
			Description: fmt.Sprintf("The bound on its error, as the kernel has it from ntpd, is above the declared %s: ntpd follows no source, or is not running.", t.MaxOffset)},
	}
	if tolerance := l.clockTolerance(); tolerance > 0 {
		rules = append(rules, ir.Rule{Alert: "ClockErrorBreaksCertificates", Severity: critical, For: "10m", Why: "time/mesh-tolerance", From: l.clockFrom(),
			// The kernel's own offset never exceeds half a second, and its greatest error ends at 16 s (Linux 6.1 ntp.c).
			Expr:        "node_timex_maxerror_seconds >= 16",
			Summary:     "The clock of {{ $labels.instance }} is about to break certificates.",
			Description: fmt.Sprintf("It was never set, or nothing has corrected it for about nine hours. %s bears %d s: a node further behind refuses certificates as not yet valid.", l.s.Mesh.Kind, tolerance)})
	}
	rules = append(rules, ir.Rule{Alert: "ClockUnsynchronised", Severity: warning, For: "10m",
		Expr:        "node_timex_sync_status == 0",
		Summary:     "The kernel of {{ $labels.instance }} holds its clock for unsynchronised.",
		Description: "ntpd has not disciplined the clock since it started: it finds too few sources that agree."})
	l.ruleGroup("time", runbookTime, ofDaemon(rules)...)
}

// ofDaemon adds to each rule that it is about the site's daemon: another has other metrics.
func ofDaemon(rules []ir.Rule) []ir.Rule {
	for i := range rules {
		rules[i].From = append(rules[i].From[:len(rules[i].From):len(rules[i].From)], "time.daemon")
	}
	return rules
}
