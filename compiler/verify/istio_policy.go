package verify

import (
	"net/netip"
	"strconv"
	"strings"
)

// checkSidecar checks the hosts that workloads may call: namespace/host, the namespace "." (its own), "*" (all), a name,
// or "~". "~/*" imports nothing and means so only alone; before 1.31 any other entry with "~" never matched.
func checkSidecar(p *pass, o *object) {
	for i, e := range list(o.value, "spec", "egress") {
		hosts := strs(e, "hosts")
		at := fieldPath{"spec", "egress"}.at(i).to("hosts")
		if len(hosts) == 0 {
			o.report(p, ruleIstio, at, "no hosts")
		}
		for j, h := range hosts {
			at := at.at(j)
			namespace, host, ok := strings.Cut(h, "/")
			bare := strings.TrimPrefix(namespace, "~")
			switch {
			case !ok || !isHost(host):
				o.report(p, ruleIstio, at, "%q is not namespace/host", h)
			case h == "~/*" && len(hosts) > 1:
				o.report(p, ruleIstio, at, `"~/*" imports nothing and stands beside other hosts`)
			case namespace != bare && h != "~/*" && !p.istioAtLeast(31):
				o.report(p, ruleIstio, at, "%q: before Istio 1.31 nothing is excluded by ~", h)
			case bare != "" && bare != "." && bare != "*" && !isDNSLabel(bare):
				o.report(p, ruleIstio, at, "%q is no namespace", namespace)
			}
		}
	}
}

// istioAtLeast reports whether the declared Istio is 1.minor or later.
func (p *pass) istioAtLeast(minor int) bool {
	parts := strings.SplitN(p.releases.Components["istio"], ".", 3)
	if len(parts) < 2 {
		return true // not declared: the newest
	}
	n, err := strconv.Atoi(parts[1])
	return err == nil && n >= minor
}

// checkAuthorizationPolicy refuses rules that would let in more, or less, than they show.
func checkAuthorizationPolicy(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	targets := 0
	for _, field := range []string{"selector", "targetRef", "targetRefs"} {
		if has(spec, field) {
			targets++
		}
	}
	if targets > 1 {
		o.report(p, ruleIstio, at, "more than one of selector, targetRef, targetRefs")
	}
	if action := str(spec, "action"); action == "DENY" && len(list(spec, "rules")) == 0 {
		o.report(p, ruleIstio, at, "action DENY without rules refuses nothing")
	}
	for i, r := range list(spec, "rules") {
		at := at.to("rules").at(i)
		for _, part := range []string{"from", "to", "when"} {
			if l, ok := get(r, part).([]any); ok && len(l) == 0 {
				o.report(p, ruleIstio, at.to(part), "an empty list, which matches everything")
			}
		}
		for j, f := range list(r, "from") {
			p.checkSource(o, at.to("from").at(j).to("source"), get(f, "source"))
		}
		for j, t := range list(r, "to") {
			p.checkOperation(o, at.to("to").at(j).to("operation"), get(t, "operation"))
		}
		for j, w := range list(r, "when") {
			if str(w, "key") == "" || len(strs(w, "values"))+len(strs(w, "notValues")) == 0 {
				o.report(p, ruleIstio, at.to("when").at(j), "no key or no values")
			}
		}
	}
}

func (p *pass) checkSource(o *object, at fieldPath, source any) {
	if len(dict(source)) == 0 {
		o.report(p, ruleIstio, at, "an empty source, which matches every caller")
	}
	if has(source, "serviceAccounts") && (has(source, "principals") || has(source, "namespaces")) {
		o.report(p, ruleIstio, at, "serviceAccounts excludes principals and namespaces")
	}
	p.checkTokens(o, at, source)
	for _, field := range []string{"principals", "notPrincipals"} {
		for i, s := range strs(source, field) {
			if !isPrincipal(s) {
				o.report(p, ruleIstio, at.to(field).at(i), "%q is not trust-domain/ns/namespace/sa/account", s)
			}
		}
	}
	for _, field := range []string{"ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"} {
		for i, s := range strs(source, field) {
			_, err := netip.ParseAddr(s)
			if err != nil && !isCanonicalPrefix(s) {
				o.report(p, ruleIstio, at.to(field).at(i), "%q is neither an address nor a prefix without host bits", s)
			}
		}
	}
}

// isPrincipal accepts an identity as Istio compares it, without "spiffe://"; "*" may begin or end it.
func isPrincipal(s string) bool {
	if s == "*" {
		return true
	}
	if strings.HasPrefix(s, "*") || strings.HasSuffix(s, "*") {
		return !strings.Contains(s, "://")
	}
	parts := strings.Split(s, "/")
	return len(parts) == 5 && parts[1] == "ns" && parts[3] == "sa" &&
		isDNSSubdomain(parts[0]) && isDNSLabel(parts[2]) && isDNSSubdomain(parts[4])
}

func (p *pass) checkOperation(o *object, at fieldPath, operation any) {
	if len(dict(operation)) == 0 {
		o.report(p, ruleIstio, at, "an empty operation, which matches every request")
	}
	for _, field := range []string{"ports", "notPorts"} {
		for i, s := range strs(operation, field) {
			if n, err := strconv.ParseInt(s, 10, 64); err != nil || !isPort(n) {
				o.report(p, ruleIstio, at.to(field).at(i), "%q is no port (1 to 65535)", s)
			}
		}
	}
	for _, field := range []string{"paths", "notPaths"} {
		for i, s := range strs(operation, field) {
			if !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "*") {
				o.report(p, ruleIstio, at.to(field).at(i), "%q begins neither with a slash nor with *", s)
			}
		}
	}
	for _, field := range []string{"methods", "notMethods"} {
		for i, s := range strs(operation, field) {
			if s != strings.ToUpper(s) {
				o.report(p, ruleIstio, at.to(field).at(i), "%q is not upper case: methods are compared as they are", s)
			}
		}
	}
}

func checkPeerAuthentication(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	ports := dict(spec, "portLevelMtls")
	if len(ports) > 0 && len(dict(spec, "selector", "matchLabels")) == 0 {
		o.report(p, ruleIstio, at.to("portLevelMtls"), "needs a selector")
	}
	for port := range ports {
		if n, err := strconv.ParseInt(port, 10, 64); err != nil || !isPort(n) {
			o.report(p, ruleIstio, at.to("portLevelMtls", port), "%q is no port (1 to 65535)", port)
		}
	}
}

func checkTelemetry(p *pass, o *object) {
	for i, t := range list(o.value, "spec", "tracing") {
		at := fieldPath{"spec", "tracing"}.at(i).to("randomSamplingPercentage")
		switch v := get(t, "randomSamplingPercentage").(type) {
		case int64:
			if v < 0 || v > 100 {
				o.report(p, ruleIstio, at, "%d is no percentage", v)
			}
		case float64:
			if v < 0 || v > 100 {
				o.report(p, ruleIstio, at, "%g is no percentage", v)
			}
		}
	}
}
