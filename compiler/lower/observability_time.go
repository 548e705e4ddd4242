package lower

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// chronyPollSeconds is the longest time between two questions to a source: maxpoll 6 in chrony.conf.
const chronyPollSeconds = 64

// localStratum is where chronyd's "local" puts a clock that follows nothing, unless the site says otherwise; sources of a
// site are far below.
const localStratum = 10

// clockError is the bound on the error of a host's clock that chronyd itself computes: what it last corrected, and what
// dispersion and half the round trip leave open. The kernel's own offset stays near zero under chronyd, whatever
// happens.
const clockError = "instance:chrony_clock_error_seconds"

// timeRules watch the clocks of hosts, by the metrics of chrony_exporter with --collector.sources.
func (l *lowering) timeRules() {
	t := l.s.Time
	if len(t.Sources) == 0 || !slices.ContainsFunc(l.p.Groups, func(g ir.HostGroup) bool { return !asksOneServer(g) }) {
		return
	}
	if t.Daemon == "ntpd" {
		l.kernelTimeRules()
		return
	}
	offset := site.ParseDuration(t.MaxOffset).Seconds()
	// Half of what the mesh bears: two hosts may be off in opposite directions.
	page := float64(l.clockTolerance()) / 2
	sources := len(t.Sources)
	minimum, refclocks := 0, false
	for _, g := range l.p.Groups {
		minimum = max(minimum, g.Time.MinSources)
		refclocks = refclocks || len(g.Time.Refclocks) > 0 && !asksOneServer(g)
	}
	orphan, cutOff, fromOrphan := localStratum, "No host of the site is configured to serve such time.", ir.From(nil)
	if iso := t.Isolation; iso != nil {
		orphan, fromOrphan = iso.OrphanStratum, ir.From{"time.isolation"}
		cutOff = fmt.Sprintf("The site is cut off from its sources, and %s keep it together: look for what lies between.", strings.Join(iso.Servers, ", "))
	}
	// One more than the minimum can still outvote a source that lies.
	spare := min(minimum+1, sources)
	stale := 4 * chronyPollSeconds
	fromSources, fromOffset := ir.From{"time.sources"}, ir.From{"time.maxOffset"}
	rules := []ir.Rule{
		{Record: clockError, Why: "time/clock-error",
			Expr: "abs(chrony_tracking_last_offset_seconds) + chrony_tracking_root_dispersion_seconds + 0.5 * chrony_tracking_root_delay_seconds"},
		{Alert: "ClockErrorHigh", Severity: warning, For: "10m", From: fromOffset,
			Expr:        clockError + " > " + decimal(offset),
			Summary:     "The clock of {{ $labels.instance }} may be off by more than the site allows.",
			Description: fmt.Sprintf("The bound on its error, as chronyd computes it, is above the declared %s.", t.MaxOffset)},
	}
	if page > 0 {
		rules = append(rules, ir.Rule{Alert: "ClockErrorBreaksCertificates", Severity: critical, For: "1m", Why: "time/mesh-tolerance", From: l.clockFrom(),
			Expr:        clockError + " > " + decimal(page),
			Summary:     "The clock of {{ $labels.instance }} is about to break certificates.",
			Description: fmt.Sprintf("The bound on its error is above %s s, half of what %s bears: a node further behind refuses certificates as not yet valid.", decimal(page), l.s.Mesh.Kind)})
	}
	rules = append(rules,
		ir.Rule{Alert: "ChronyDown", Severity: warning, For: "5m",
			Expr:        "chrony_up == 0",
			Summary:     "chronyd on {{ $labels.instance }} does not answer.",
			Description: "Nothing corrects this clock, and none of the other alerts on it can fire."},
		ir.Rule{Alert: "ClockUnsynchronised", Severity: warning, For: "10m",
			Expr:        "node_timex_sync_status == 0",
			Summary:     "The kernel of {{ $labels.instance }} holds its clock for unsynchronised.",
			Description: "chronyd has not disciplined the clock for long, or runs without rtcsync."},
		ir.Rule{Alert: "TimeSourceLies", Severity: warning, For: "10m", From: fromSources,
			Expr:        `chrony_sources_state_info{source_state="falseticker"} == 1`,
			Summary:     "{{ $labels.instance }} holds time source {{ $labels.source_address }} for a falseticker.",
			Description: fmt.Sprintf("The others outvote it. The site declares %d sources; one more that errs may leave no majority.", sources)},
		ir.Rule{Alert: "TimeSourcesFew", Severity: warning, For: "15m", Why: "time/minsources", From: fromSources,
			Expr:        reachable(spare),
			Summary:     "{{ $labels.instance }} reaches few of its time sources.",
			Description: fmt.Sprintf("Fewer than %d of the %d declared sources answer at least every second time: one that lies may no longer be outvoted.", spare, sources)},
		ir.Rule{Alert: "TimeSourcesBelowMinimum", Severity: critical, For: "15m", Why: "time/minsources", From: fromSources,
			Expr:        reachable(minimum),
			Summary:     "{{ $labels.instance }} reaches too few time sources to follow any.",
			Description: fmt.Sprintf("chrony.conf asks for %d selectable sources (minsources). With fewer the clock runs free.", minimum)},
		ir.Rule{Alert: "ClockFollowsNothing", Severity: warning, For: "10m", From: fromOrphan,
			Expr:        fmt.Sprintf("chrony_tracking_remote_reference == 0 or chrony_tracking_stratum >= %d", orphan),
			Summary:     "{{ $labels.instance }} follows no true time, although it says that it is synchronised.",
			Description: "Its reference is a clock in \"local\" or orphan mode, its own or a server's. " + cutOff},
		ir.Rule{Alert: "ClockUpdatesStale", Severity: warning, For: "10m", Why: "time/poll",
			Expr:        fmt.Sprintf("time() - chrony_tracking_reference_timestamp_seconds > %d", stale),
			Summary:     "The clock of {{ $labels.instance }} has not been corrected lately.",
			Description: fmt.Sprintf("The last update is more than %d s ago, four times the longest poll.", stale)},
	)
	if refclocks {
		rules = append(rules, ir.Rule{Alert: "ReferenceClockLost", Severity: warning, For: "10m", From: ir.From{"nodeClasses", "racks"},
			Expr:        `chrony_sources_state_info{source_mode=~"ref.*",source_state=~"unreach|falseticker"} == 1`,
			Summary:     "{{ $labels.instance }} gets no time from a reference clock of its own.",
			Description: "The clock {{ $labels.source_address }} in the machine is silent, or differs from what the servers say: its antenna, its grandmaster or its driver."})
	}
	l.ruleGroup("time", runbookTime, ofDaemon(rules)...)
}

// reachable compares the number of sources that answer at least every second poll. It is a sum of zeros and ones: a
// count of those above would be absent, and silent, when none is.
func reachable(least int) string {
	return fmt.Sprintf("sum by (instance, job) (chrony_sources_reachability_ratio > bool 0.5) < %d", least)
}
