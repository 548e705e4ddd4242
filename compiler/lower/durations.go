package lower

import (
	"regexp"
	"strconv"
	"time"

	"meshgen.dev/meshgen/compiler/site"
)

// oneSpan is a time span that every mesh reads alike. Envoy drops what is below a millisecond; the Gateway API takes whole
// numbers of five digits (kubernetes-sigs/gateway-api v1.6.3, Duration), Linkerd's annotations one whole number
// (linkerd/linkerd2 edge-26.6.3 policy-controller/k8s/index/src/outbound/index.rs, parse_duration, which refuses fractions); read on 2026-11-22.
var oneSpan = regexp.MustCompile(`^[1-9][0-9]{0,4}(ms|s|m|h)$`)

// MostOfUnit is the largest number of a time span, one of five digits.
const MostOfUnit = 99999

// spanUnits are the units of a time span, the largest first.
var spanUnits = []struct {
	name string
	unit time.Duration
}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}

// Span is a time span of a service as every mesh reads it: one whole number and its unit, as the site has it where that is
// one already. It is false for what cannot be said so: nothing at all, parts of a millisecond, more than five digits.
func Span(text string) (string, bool) {
	if oneSpan.MatchString(text) {
		return text, true
	}
	d := site.ParseDuration(text)
	for _, u := range spanUnits {
		if n := d / u.unit; d%u.unit == 0 && n >= 1 && n <= MostOfUnit {
			return strconv.FormatInt(int64(n), 10) + u.name, true
		}
	}
	return "", false
}

// span is Span of what the rules have let pass.
func span(text string) string {
	s, _ := Span(text)
	return s
}

// life is a span of whole seconds, however long, as one whole number: ztunnel reads no fractions (istio/ztunnel release-1.31
// src/config.rs, SECRET_TTL, by the crate duration-str).
func life(text string) string {
	if s, ok := Span(text); ok {
		return s
	}
	return strconv.FormatInt(int64(site.ParseDuration(text)/time.Second), 10) + "s"
}
