package verify

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checkRequestAuthentication checks the rules for tokens: who signs them must be found by https, or the keys are
// anybody's.
func checkRequestAuthentication(p *pass, o *object) {
	at := fieldPath{"spec", "jwtRules"}
	rules := list(o.value, "spec", "jwtRules")
	if len(rules) == 0 {
		o.report(p, ruleIstio, fieldPath{"spec"}, "no rule: tokens are not looked at")
	}
	for i, r := range rules {
		for _, field := range []string{"issuer", "jwksUri"} {
			if field == "jwksUri" && get(r, field) == nil {
				continue // the issuer is asked
			}
			u, err := url.Parse(str(r, field))
			if err != nil || u.Scheme != "https" || u.Host == "" {
				o.report(p, ruleIstio, at.at(i).to(field), "%q is no address of https, where its keys are asked for", str(r, field))
			}
		}
	}
}

// checkTokens holds the principals of requests that a policy asks for against the issuers whose tokens are looked at: of
// another issuer no proxy ever knows one, and the rule admits nobody.
func (p *pass) checkTokens(o *object, at fieldPath, source any) {
	for i, principal := range strs(source, "requestPrincipals") {
		found := slices.ContainsFunc(slices.Concat(p.objects, p.beside), func(r *object) bool {
			return r.is("security.istio.io", "RequestAuthentication") && r.namespace == o.namespace &&
				slices.ContainsFunc(list(r.value, "spec", "jwtRules"), func(rule any) bool { return str(rule, "issuer")+"/*" == principal })
		})
		if !found {
			o.report(p, ruleIstio, at.to("requestPrincipals").at(i), "no RequestAuthentication of the namespace takes tokens for %q", principal)
		}
	}
}

// checkEnvoyFilter takes the one patch that meshgen writes, whose schema is open: what Envoy rejects there, it rejects
// with the whole listener.
func checkEnvoyFilter(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	waypoint := len(list(spec, "targetRefs")) > 0 // whose chains are checked by checkChain
	switch {
	case waypoint && !p.hasWaypoint(o.namespace):
		o.report(p, ruleIstio, at.to("targetRefs"), "namespace %s has no waypoint", o.namespace)
	case waypoint:
		if ref := list(spec, "targetRefs")[0]; len(list(spec, "targetRefs")) > 1 || str(ref, "kind") != "Gateway" || str(ref, "name") != p.waypointName(o.namespace) {
			o.report(p, ruleIstio, at.to("targetRefs"), "names something else than the waypoint of the namespace")
		}
	case len(dict(spec, "workloadSelector", "labels")) == 0:
		o.report(p, ruleIstio, at, "no workloadSelector: every proxy of the namespace would be patched")
	}
	patches := list(spec, "configPatches")
	if len(patches) == 0 {
		o.report(p, ruleIstio, at, "no patch")
	}
	for i, patch := range patches {
		at := at.to("configPatches").at(i)
		value := get(patch, "patch", "value")
		if str(patch, "applyTo") != "HTTP_FILTER" || str(patch, "patch", "operation") != "INSERT_BEFORE" || str(patch, "match", "context") != "SIDECAR_INBOUND" ||
			str(patch, "match", "listener", "filterChain", "filter", "subFilter", "name") != "envoy.filters.http.router" ||
			str(value, "name") != "envoy.filters.http.local_ratelimit" {
			o.report(p, ruleIstio, at, "a patch other than a bound on requests, before the router of inbound listeners")
			continue
		}
		if waypoint {
			p.checkChain(o, at.to("match", "listener", "filterChain", "name"), str(patch, "match", "listener", "filterChain", "name"))
		}
		p.checkBucket(o, at.to("patch", "value", "typed_config"), get(value, "typed_config"))
	}
}

// waypointChain is the name of the filters of one port of a Service at its waypoint (pilot/pkg/model/push_context.go,
// BuildSubsetKey, of Istio 1.31).
var waypointChain = regexp.MustCompile(`^inbound-vip\|([0-9]+)\|http\|[a-z0-9-]+\.([a-z0-9-]+)\.svc\.[a-z0-9.-]+$`)

// checkChain holds a patch at a waypoint to the port of one Service: without, it would bound every service together.
func (p *pass) checkChain(o *object, at fieldPath, name string) {
	m := waypointChain.FindStringSubmatch(name)
	if m == nil || m[2] != o.namespace {
		o.report(p, ruleIstio, at, "%q is no chain of a Service of namespace %s", name, o.namespace)
		return
	}
	if n, err := strconv.ParseInt(m[1], 10, 64); err != nil || !isPort(n) {
		o.report(p, ruleIstio, at, "%s is no port (1 to 65535)", m[1])
	}
}

// checkBucket checks envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit. Bounds: fill_interval of 50 ms at
// least, max_tokens and tokens_per_fill above 0 (Envoy api/envoy/type/v3/token_bucket.proto, source/extensions/filters/common/local_ratelimit).
func (p *pass) checkBucket(o *object, at fieldPath, config any) {
	if t := str(config, "@type"); t != "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit" {
		o.report(p, ruleIstio, at.to("@type"), "%q is not the filter's", t)
	}
	if str(config, "stat_prefix") == "" {
		o.report(p, ruleIstio, at, "no stat_prefix, which Envoy asks for")
	}
	for _, field := range []string{"max_tokens", "tokens_per_fill"} {
		if n, ok := integer(config, "token_bucket", field); !ok || n < 1 {
			o.report(p, ruleIstio, at.to("token_bucket", field), "%s is no number of requests", show(get(config, "token_bucket", field)))
		}
	}
	if d, err := time.ParseDuration(str(config, "token_bucket", "fill_interval")); err != nil || d < 50*time.Millisecond {
		o.report(p, ruleIstio, at.to("token_bucket", "fill_interval"), "%s is no duration of 50 ms or more", show(get(config, "token_bucket", "fill_interval")))
	}
	for _, field := range []string{"filter_enabled", "filter_enforced"} {
		if n, _ := integer(config, field, "default_value", "numerator"); n != 100 || str(config, field, "default_value", "denominator") != "HUNDRED" {
			o.report(p, ruleIstio, at.to(field), "does not hold for every request")
		}
	}
}

// checkFault checks a delay on purpose.
func (p *pass) checkFault(o *object, at fieldPath, route any) {
	delay := get(route, "fault", "delay")
	if delay == nil {
		return
	}
	var percent float64
	switch v := get(delay, "percentage", "value").(type) {
	case int64:
		percent = float64(v)
	case float64:
		percent = v
	}
	if percent <= 0 || percent > 100 {
		o.report(p, ruleIstio, at.to("fault", "delay", "percentage", "value"), "%v is no percentage above 0", percent)
	}
	if d, err := time.ParseDuration(str(delay, "fixedDelay")); err != nil || d <= 0 {
		o.report(p, ruleIstio, at.to("fault", "delay", "fixedDelay"), "%q is no duration", str(delay, "fixedDelay"))
	}
}

// checkStreamRoute checks a TCPRoute, TLSRoute or UDPRoute: a port of a Service for each end. A network of Linkerd's is the end
// that the client chose.
func checkStreamRoute(p *pass, o *object) {
	for i, r := range list(o.value, "spec", "rules") {
		at := fieldPath{"spec", "rules"}.at(i).to("backendRefs")
		if len(list(r, "backendRefs")) == 0 {
			o.report(p, ruleGatewayAPI, at, "leads nowhere")
		}
		for j, b := range list(r, "backendRefs") {
			if n, ok := integer(b, "port"); (!ok || !isPort(n)) && str(b, "kind") != "EgressNetwork" {
				o.report(p, ruleGatewayAPI, at.at(j).to("port"), "%s is no port (1 to 65535)", show(get(b, "port")))
			}
		}
	}
}

// checkLife checks for how long a proxy asks for a certificate; istiod gives none for longer.
func (p *pass) checkLife(v *values, at fieldPath) {
	ttl := get(v.value, at...)
	if ttl == nil {
		return
	}
	if d, err := time.ParseDuration(str(v.value, at...)); err != nil || d <= 0 || d > 90*24*time.Hour {
		v.report(p, ruleValues, at, "%s is no life of a certificate, of at most 90 days", show(ttl))
	}
}

// checkIstiodValues checks what the control plane reads as text and refuses, or passes over, when it starts.
func (p *pass) checkIstiodValues(v *values) {
	if at := (fieldPath{"env", "PILOT_PUSH_THROTTLE"}); has(v.value, at...) {
		if n, err := strconv.Atoi(str(v.value, at...)); err != nil || n < 1 {
			v.report(p, ruleValues, at, "%q is no number of proxies", str(v.value, at...))
		}
	}
	p.checkLife(v, fieldPath{"meshConfig", "defaultConfig", "proxyMetadata", "SECRET_TTL"})
	for i, a := range strs(v.value, "meshConfig", "trustDomainAliases") {
		if !isDNSSubdomain(strings.ToLower(a)) {
			v.report(p, ruleValues, fieldPath{"meshConfig", "trustDomainAliases"}.at(i), "%q is no trust domain", a)
		}
	}
}
