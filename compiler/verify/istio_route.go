package verify

import (
	"strings"
	"time"
)

// checkVirtualService checks routes: what istiod refuses, and a split that does not say where everything goes.
func checkVirtualService(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	p.checkDurations(o, at, spec)
	if len(strs(spec, "hosts")) == 0 {
		o.report(p, ruleIstio, at, "no hosts")
	}
	for i, h := range strs(spec, "hosts") {
		if !isHost(h) {
			o.report(p, ruleIstio, at.to("hosts").at(i), "%q is no host", h)
		}
	}
	routes := 0
	for _, kind := range []string{"http", "tls", "tcp"} {
		names := map[string]bool{}
		for i, r := range list(spec, kind) {
			routes++
			at := at.to(kind).at(i)
			p.checkRoute(o, kind, at, r)
			if name := str(r, "name"); name != "" {
				if names[name] {
					o.report(p, ruleIstio, at.to("name"), "%q stands twice", name)
				}
				names[name] = true
			}
			if kind != "tcp" && len(list(r, "match")) == 0 && i+1 < len(list(spec, kind)) {
				o.report(p, ruleIstio, at, "takes everything, so that the routes after it have no effect")
			}
		}
	}
	p.checkSubsetRoutes(o)
	if routes == 0 && !has(spec, "http") {
		o.report(p, ruleIstio, at, "no route")
	}
}

func (p *pass) checkRoute(o *object, kind string, at fieldPath, r any) {
	destinations := list(r, "route")
	actions := 0
	for _, action := range []string{"route", "redirect", "directResponse", "delegate"} {
		if has(r, action) {
			actions++
		}
	}
	if actions != 1 {
		o.report(p, ruleIstio, at, "not exactly one of route, redirect, directResponse, delegate")
	}
	total := int64(0)
	for i, d := range destinations {
		at := at.to("route").at(i)
		host := str(d, "destination", "host")
		if host == "" || strings.HasPrefix(host, "*") || !isHost(host) {
			o.report(p, ruleIstio, at.to("destination", "host"), "%q is no host to send to", host)
		}
		if n := get(d, "destination", "port", "number"); n != nil {
			p.checkPortNumber(o, at.to("destination", "port", "number"), n)
		}
		weight, _ := integer(d, "weight")
		total += weight
	}
	if len(destinations) > 1 && total != 100 {
		o.report(p, ruleIstio, at.to("route"), "the weights add up to %d, not 100", total)
	}
	if kind == "http" {
		p.checkFault(o, at, r)
		p.checkHTTP(o, at, r)
	}
	if kind == "tls" {
		for i, m := range list(r, "match") {
			if len(strs(m, "sniHosts")) == 0 {
				o.report(p, ruleIstio, at.to("match").at(i), "no sniHosts")
			}
		}
	}
}

func (p *pass) checkHTTP(o *object, at fieldPath, r any) {
	for i, m := range list(r, "match") {
		for _, form := range []string{"exact", "prefix"} {
			if uri, ok := get(m, "uri", form).(string); ok && !strings.HasPrefix(uri, "/") {
				o.report(p, ruleIstio, at.to("match").at(i).to("uri", form), "%q does not begin with a slash", uri)
			}
		}
	}
	attempts, _ := integer(r, "retries", "attempts")
	if attempts < 0 {
		o.report(p, ruleIstio, at.to("retries", "attempts"), "%d is negative", attempts)
	}
	if attempts == 0 && has(r, "retries", "perTryTimeout") {
		o.report(p, ruleIstio, at.to("retries", "perTryTimeout"), "has no effect: attempts is 0")
	}
	timeout, errTotal := time.ParseDuration(str(r, "timeout"))
	try, errTry := time.ParseDuration(str(r, "retries", "perTryTimeout"))
	if errTotal == nil && errTry == nil && timeout > 0 && try > timeout {
		o.report(p, ruleIstio, at.to("retries", "perTryTimeout"), "%s is longer than the timeout of the route, %s", try, timeout)
	}
}
