package lower

import (
	"strconv"
	"time"

	"meshgen.dev/meshgen/compiler/site"
)

// durationUnits are those of the language, and of every mesh and gateway.
var durationUnits = []struct {
	name string
	of   time.Duration
}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}

// plainDuration is a time span as all of them read it: one whole number of at most five digits, and a unit. Linkerd drops a route
// with a fraction in it, and the Gateway API takes neither a fraction nor a sixth digit (linkerd/linkerd2 edge-26.6.3
// policy-controller/k8s/index/src/outbound/index.rs, parse_duration; Gateway API 1.5.1, type Duration; read 2026-11-22). What has
// no such form is rounded up, by less than a hundredth or to the next millisecond.
func plainDuration(text string) string {
	const most = 99999
	d := site.ParseDuration(text)
	if d == 0 {
		return text
	}
	for _, u := range durationUnits { // as it is written
		if n, rest := d/u.of, d%u.of; rest == 0 && n <= most && text == strconv.Itoa(int(n))+u.name {
			return text
		}
	}
	for _, u := range durationUnits {
		if n, rest := d/u.of, d%u.of; rest == 0 && n <= most {
			return strconv.Itoa(int(n)) + u.name
		}
	}
	for i := len(durationUnits) - 1; i > 0; i-- {
		u := durationUnits[i]
		if n := (d + u.of - 1) / u.of; n <= most {
			return strconv.Itoa(int(n)) + u.name
		}
	}
	return strconv.Itoa(int((d+time.Hour-1)/time.Hour)) + "h"
}
