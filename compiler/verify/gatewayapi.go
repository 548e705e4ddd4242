package verify

import (
	"fmt"
	"strings"
	"time"
)

// checkGatewayAPIGateway checks listeners: the API server compares them by rules that the schema does not hold.
func checkGatewayAPIGateway(p *pass, o *object) {
	names, distinct := map[string]bool{}, map[string]bool{}
	for i, l := range list(o.value, "spec", "listeners") {
		at := fieldPath{"spec", "listeners"}.at(i)
		name, protocol := str(l, "name"), str(l, "protocol")
		if names[name] {
			o.report(p, ruleGatewayAPI, at.to("name"), "%q stands twice", name)
		}
		names[name] = true
		key := fmt.Sprint(get(l, "port"), protocol, str(l, "hostname"))
		if distinct[key] {
			o.report(p, ruleGatewayAPI, at, "port, protocol and hostname are those of another listener")
		}
		distinct[key] = true
		if h := str(l, "hostname"); h != "" && (h == "*" || !isHost(h)) {
			o.report(p, ruleGatewayAPI, at.to("hostname"), "%q is no host", h)
		}
		tunnel := protocol == "HBONE" && str(o.value, "spec", "gatewayClassName") == eastWestClass
		switch encrypted := protocol == "HTTPS" || protocol == "TLS" || tunnel; {
		case !encrypted && has(l, "tls"):
			o.report(p, ruleGatewayAPI, at.to("tls"), "has no effect for protocol %s", protocol)
		case encrypted && !has(l, "tls"):
			o.report(p, ruleGatewayAPI, at, "no tls for protocol %s", protocol)
		case encrypted && str(l, "tls", "mode") != "Passthrough" && len(list(l, "tls", "certificateRefs")) == 0 && len(dict(l, "tls", "options")) == 0:
			o.report(p, ruleGatewayAPI, at.to("tls"), "terminates without a certificate")
		}
	}
}

// checkHTTPRoute checks what the rules of a route mean together.
func checkHTTPRoute(p *pass, o *object) {
	for i, h := range strs(o.value, "spec", "hostnames") {
		if h == "*" || !isHost(h) {
			o.report(p, ruleGatewayAPI, fieldPath{"spec", "hostnames"}.at(i), "%q is no host", h)
		}
	}
	names := map[string]bool{}
	for i, r := range list(o.value, "spec", "rules") {
		at := fieldPath{"spec", "rules"}.at(i)
		if name := str(r, "name"); name != "" && names[name] {
			o.report(p, ruleGatewayAPI, at.to("name"), "%q stands twice", name)
		} else {
			names[name] = true
		}
		for j, m := range list(r, "matches") {
			if v, ok := get(m, "path", "value").(string); ok && !strings.HasPrefix(v, "/") && str(m, "path", "type") != "RegularExpression" {
				o.report(p, ruleGatewayAPI, at.to("matches").at(j).to("path", "value"), "%q does not begin with a slash", v)
			}
		}
		redirects := false
		for _, f := range list(r, "filters") {
			redirects = redirects || str(f, "type") == "RequestRedirect"
		}
		backends := list(r, "backendRefs")
		if redirects && len(backends) > 0 {
			o.report(p, ruleGatewayAPI, at, "redirects and has backends")
		}
		total, weighted := int64(0), false
		for j, b := range backends {
			w, ok := integer(b, "weight")
			if !ok {
				w = 1
			}
			total, weighted = total+w, weighted || ok
			if n, ok := integer(b, "port"); (!ok || !isPort(n)) && (str(b, "kind") == "" || str(b, "kind") == "Service") {
				o.report(p, ruleGatewayAPI, at.to("backendRefs").at(j), "a Service without a port from 1 to 65535")
			}
		}
		if weighted && total == 0 {
			o.report(p, ruleGatewayAPI, at.to("backendRefs"), "every weight is 0: all requests are refused")
		}
		whole, errWhole := time.ParseDuration(str(r, "timeouts", "request"))
		part, errPart := time.ParseDuration(str(r, "timeouts", "backendRequest"))
		if errWhole == nil && errPart == nil && whole > 0 && part > whole {
			o.report(p, ruleGatewayAPI, at.to("timeouts", "backendRequest"), "%s is longer than the request's %s", part, whole)
		}
	}
}
