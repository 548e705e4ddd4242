package verify

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The checks of Istio's objects follow istiod's webhook (pkg/config/validation in Istio), and go beyond it where the
// webhook takes what has no effect.

// isHost accepts a host as Istio matches it: a name, "*", or a name whose first label is "*".
func isHost(s string) bool {
	if s == "*" {
		return true
	}
	return isDNSSubdomain(strings.TrimPrefix(s, "*."))
}

// gatewayProtocols are those of a server's port in a Gateway.
var gatewayProtocols = []string{"HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS"}

func checkIstioGateway(p *pass, o *object) {
	spec := get(o.value, "spec")
	if len(dict(spec, "selector")) == 0 {
		o.report(p, ruleIstio, fieldPath{"spec"}, "no selector: every gateway of the mesh would serve it")
	}
	checkLabels(p, o, fieldPath{"spec", "selector"}, dict(spec, "selector"))
	names := map[string]bool{}
	for i, s := range list(spec, "servers") {
		at := fieldPath{"spec", "servers"}.at(i)
		protocol := str(s, "port", "protocol")
		p.checkPortNumber(o, at.to("port", "number"), get(s, "port", "number"))
		oneOf(p, o, ruleIstio, at.to("port"), get(s, "port"), "protocol", gatewayProtocols...)
		name := str(s, "port", "name")
		if name == "" || names[name] {
			o.report(p, ruleIstio, at.to("port", "name"), "%q is empty or stands twice", name)
		}
		names[name] = true
		for j, h := range strs(s, "hosts") {
			namespace, host, ok := strings.Cut(h, "/")
			if !ok {
				namespace, host = "*", h
			}
			if !isHost(host) || namespace != "*" && namespace != "." && !isDNSLabel(namespace) {
				o.report(p, ruleIstio, at.to("hosts").at(j), "%q is neither a host nor namespace/host", h)
			}
		}
		p.checkServerTLS(o, at, protocol, get(s, "tls"))
		p.checkCrossSite(o, at, s)
	}
}

func (p *pass) checkServerTLS(o *object, at fieldPath, protocol string, tls any) {
	mode := str(tls, "mode")
	redirect := get(tls, "httpsRedirect") == true
	encrypted := protocol == "HTTPS" || protocol == "TLS"
	switch {
	case encrypted && tls == nil:
		o.report(p, ruleIstio, at, "no tls for protocol %s", protocol)
	case encrypted && redirect:
		o.report(p, ruleIstio, at.to("tls", "httpsRedirect"), "redirects what is %s already", protocol)
	case !encrypted && mode != "":
		o.report(p, ruleIstio, at.to("tls", "mode"), "%s has no effect for protocol %s", mode, protocol)
	}
	certificates := 0
	for _, field := range []string{"credentialName", "credentialNames", "serverCertificate", "tlsCertificates"} {
		if has(tls, field) {
			certificates++
		}
	}
	switch needed := slices.Contains([]string{"SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"}, mode); {
	case needed && certificates == 0:
		o.report(p, ruleIstio, at.to("tls"), "mode %s without a certificate", mode)
	case certificates > 1:
		o.report(p, ruleIstio, at.to("tls"), "only one of credentialName, credentialNames, serverCertificate and tlsCertificates may be given")
	}
}

func (p *pass) checkPortNumber(o *object, at fieldPath, v any) {
	if n, ok := v.(int64); !ok || !isPort(n) {
		o.report(p, ruleIstio, at, "%s is no port (1 to 65535)", show(v))
	}
}

// durations are the fields of Istio's traffic objects that hold one; their schema says string.
var durations = map[string]bool{
	"backoff": true, "baseEjectionTime": true, "connectTimeout": true, "fixedDelay": true, "idleTimeout": true,
	"interval": true, "maxAge": true, "maxConnectionDuration": true, "perTryIdleTimeout": true, "perTryTimeout": true,
	"time": true, "timeout": true, "ttl": true, "warmupDurationSecs": true,
}

// checkDurations walks a traffic object. istiod refuses durations under a millisecond; "0s" turns some of them off.
func (p *pass) checkDurations(o *object, path fieldPath, v any) {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			p.checkDurations(o, path.at(i), e)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			s, isString := v[k].(string)
			if !isString || !durations[k] {
				p.checkDurations(o, path.to(k), v[k])
				continue
			}
			if d, err := time.ParseDuration(s); err != nil || d < 0 || d%time.Millisecond != 0 {
				o.report(p, ruleIstio, path.to(k), "%q is no duration in whole milliseconds", s)
			}
		}
	}
}

func checkDestinationRule(p *pass, o *object) {
	p.checkSubsets(o)
	p.checkDurations(o, fieldPath{"spec"}, get(o.value, "spec"))
	if host := str(o.value, "spec", "host"); !isHost(host) {
		o.report(p, ruleIstio, fieldPath{"spec", "host"}, "%q is no host", host)
	}
	names := map[string]bool{}
	for i, s := range list(o.value, "spec", "subsets") {
		name := str(s, "name")
		if !isDNSLabel(name) || names[name] {
			o.report(p, ruleIstio, fieldPath{"spec", "subsets"}.at(i), "the name %q is no DNS label or stands twice", name)
		}
		names[name] = true
	}
}

// checkServiceEntry checks what istiod needs to make endpoints of an entry.
func checkServiceEntry(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	resolution := str(spec, "resolution")
	for i, h := range strs(spec, "hosts") {
		switch {
		case h == "*" || !isHost(h):
			o.report(p, ruleIstio, at.to("hosts").at(i), "%q is no host", h)
		case strings.HasPrefix(h, "*") && (resolution == "DNS" || resolution == "DNS_ROUND_ROBIN") && len(list(spec, "endpoints")) == 0:
			o.report(p, ruleIstio, at.to("hosts").at(i), "%q cannot be resolved by DNS", h)
		}
	}
	for i, a := range strs(spec, "addresses") {
		_, errAddr := netip.ParseAddr(a)
		_, errPrefix := netip.ParsePrefix(a)
		switch {
		case errAddr != nil && errPrefix != nil:
			o.report(p, ruleIstio, at.to("addresses").at(i), "%q is neither an address nor a prefix", a)
		case errAddr != nil && resolution != "NONE" && resolution != "STATIC" && resolution != "":
			o.report(p, ruleIstio, at.to("addresses").at(i), "a prefix counts for resolution NONE and STATIC only")
		}
	}
	names, numbers := map[string]bool{}, map[string]bool{}
	for i, port := range list(spec, "ports") {
		at := at.to("ports").at(i)
		p.checkPortNumber(o, at.to("number"), get(port, "number"))
		name, number := str(port, "name"), fmt.Sprint(get(port, "number"))
		if name == "" || names[name] || numbers[number] {
			o.report(p, ruleIstio, at, "port %s %q has no name or stands twice", number, name)
		}
		names[name], numbers[number] = true, true
		oneOf(p, o, ruleIstio, at, port, "protocol", append([]string{"UDP"}, gatewayProtocols...)...)
	}
	endpoints := list(spec, "endpoints")
	switch resolution {
	case "", "NONE":
		if len(endpoints) > 0 {
			o.report(p, ruleIstio, at.to("endpoints"), "resolution NONE takes no endpoints")
		}
	case "STATIC":
		if len(endpoints) == 0 && !has(spec, "workloadSelector") {
			o.report(p, ruleIstio, at, "resolution STATIC without endpoints")
		}
		for i, e := range endpoints {
			if a := str(e, "address"); a != "" {
				if _, err := netip.ParseAddr(a); err != nil {
					o.report(p, ruleIstio, at.to("endpoints").at(i).to("address"), "%q is no address, which resolution STATIC needs", a)
				}
			}
		}
	}
}
