package rules

import (
	"iter"
	"strconv"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// timeSpan is a time span of the site that the programs of every mesh must be able to say.
type timeSpan struct {
	path, what, text string
	none             string // what to write in place of nothing
	noneSaid         bool   // another rule speaks of nothing
}

// timeSpans yields the time spans of services. Those left out are not among them.
func timeSpans(s *site.Site) iter.Seq[timeSpan] {
	return func(yield func(timeSpan) bool) {
		for sv := range services(s) {
			all := []timeSpan{{path: ".timeout", what: "the time of a request", text: sv.Timeout, none: "leave it out where there is no limit"}}
			if r := sv.Retries; r != nil {
				all = append(all, timeSpan{path: ".retries.perTryTimeout", what: "the time of an attempt", text: r.PerTryTimeout, none: "leave it out where only the timeout counts"})
			}
			if o := sv.OutlierDetection; o != nil {
				all = append(all,
					timeSpan{path: ".outlierDetection.interval", what: "the time between looks", text: o.Interval, none: `interval: "10s"`},
					timeSpan{path: ".outlierDetection.baseEjectionTime", what: "the time that a pod stays out", text: o.BaseEjectionTime, none: `baseEjectionTime: "30s"`})
			}
			if f := sv.Fault; f != nil && f.Delay != nil {
				all = append(all, timeSpan{path: ".fault.delay.duration", what: "the delay", text: f.Delay.Duration, noneSaid: true})
			}
			for _, t := range all {
				t.path, t.what = sv.path+t.path, t.what+" of "+sv.full()
				if t.text != "" && !yield(t) {
					return
				}
			}
		}
	}
}

// SpanUnusable finds a time span that not every mesh can say.
var SpanUnusable = &check.Rule{
	ID: "MG5845", Name: "time-span", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a time span of a service is nothing, has parts of a millisecond, or needs more than five digits

Programs read nothing in different ways: no limit, a default of their own, or an error with which a proxy refuses all that it
was sent. Envoy cuts off parts of a millisecond, and istiod refuses them. The Gateway API takes numbers of five digits.
Other spans are written as one whole number, "0.5s" as 500ms.
Source: istio/istio 1.31.1 pkg/config/validation/agent/validation.go, ValidateDuration; envoyproxy/envoy v1.37 api outlier_detection.proto, interval
and base_ejection_time over 0; kubernetes-sigs/gateway-api v1.6.3, Duration; linkerd/linkerd2 edge-26.6.3
policy-controller/k8s/index/src/outbound/index.rs, parse_duration.`,
	Run: func(p *check.Pass) {
		for t := range timeSpans(p.Site) {
			if _, ok := lower.Span(t.text); ok {
				continue
			}
			switch d := site.ParseDuration(t.text); {
			case d == 0 && t.noneSaid:
			case d == 0:
				p.Reportf(t.path, "%s is %s", t.what, t.text).Hintf("%s", t.none)
			case d%time.Millisecond != 0:
				p.Reportf(t.path, "%s, %s, is not in whole milliseconds", t.what, t.text).Hintf("%q", nearest(d))
			default:
				p.Reportf(t.path, "%s, %s, is no whole number of up to five digits in any unit", t.what, t.text).Hintf("%q", nearest(d))
			}
		}
	},
}

// nearest is the time span closest to one that cannot be said, in the finest unit that holds it.
func nearest(d time.Duration) string {
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}} {
		if n := max(d.Round(u.unit)/u.unit, 1); n <= lower.MostOfUnit {
			return strconv.FormatInt(int64(n), 10) + u.name
		}
	}
	return strconv.Itoa(lower.MostOfUnit) + "h"
}
