package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// serviceRules are the rules about services, calls and policy.
var serviceRules = []*check.Rule{
	UnknownService,
	UnknownGateway,
	UnknownExternal,
	SplitWeights,
	HostTwice,
	StrictUnmeshedCaller,
	RetriesUnmet,
	ExposeUnservable,
	CallerRefused,
	SplitPorts,
	RequestIntent,
	LabelsShared,
	CallTwice,
	CallsItself,
	CalleeWithoutPorts,
	CallCycle,
	TimeoutUnderCallee,
	RetryStorm,
	AdmittedWithoutCall,
	ServiceAccountShared,
	ServiceUnreachable,
	ServicePortTwice,
	TargetPortMixed,
	ProxyPortTaken,
	UDPPastMesh,
	HeadlessSplit,
	VMAddresses,
	JobSidecar,
	JobServes,
	RetriesNotIdempotent,
	RetriesOverTimeout,
	AttemptOverTimeout,
	SpanUnusable,
	NumberUnusable,
	OutlierAll,
	FaultInProduction,
	FaultOver,
	FaultNothing,
	JWTIssuer,
	JWTKeys,
	SplitNothing,
	SplitOfSplit,
	IntentUnmet,
	IntentOutsideMesh,
	NamespaceReserved,
	NamespaceEmpty,
	NamespacePrivileged,
	NamespaceOwner,
	OwnerLabel,
	ScraperMeshed,
	ScraperUnknown,
	TracingUnknown,
	TracingAll,
}

// UnknownService finds a call, an admission or a split that names a service that does not exist.
var UnknownService = &check.Rule{
	ID: "MG7001", Name: "unknown-service", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service that is called, admitted or split to does not exist

Policy and scope are made from these names: a misspelt one opens nothing and closes what was meant.`,
	Run: func(p *check.Pass) {
		look := func(path, what, name string) {
			if lookup(p.Site, name) != nil {
				return
			}
			r := p.Reportf(path, "%s service %q, which does not exist", what, name)
			if ns, _, _ := strings.Cut(name, "/"); p.Site.Namespaces[ns] != nil {
				r.Hintf("services of %s: %s", ns, keys(p.Site.Namespaces[ns].Services))
			} else {
				r.Hintf("namespaces: %s", keys(p.Site.Namespaces))
			}
		}
		for s := range services(p.Site) {
			for i, c := range s.Calls {
				if strings.Contains(c, ":") {
					continue // of another site
				}
				look(s.path+".calls."+site.Index(i), s.namespace+"/"+s.name+" calls", c)
			}
			for i, a := range s.Allow {
				for j, c := range a.From {
					if strings.Contains(c, ":") {
						continue
					}
					look(s.path+".allow."+site.Index(i)+".from."+site.Index(j), s.namespace+"/"+s.name+" admits", c)
				}
			}
			for i, t := range s.Split {
				look(s.path+".split."+site.Index(i)+".service", s.namespace+"/"+s.name+" is split to", s.namespace+"/"+t.Service)
			}
		}
	},
}

// lookup returns a service by "namespace/service", or nil.
func lookup(s *site.Site, name string) *site.Service {
	ns, sn, _ := strings.Cut(name, "/")
	if n := s.Namespaces[ns]; n != nil {
		return n.Services[sn]
	}
	return nil
}

// UnknownGateway finds a route on a gateway or listener that does not exist.
var UnknownGateway = &check.Rule{
	ID: "MG7002", Name: "unknown-gateway", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service is exposed on a gateway or a listener that does not exist

Its route would be attached to nothing.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, e := range s.Expose {
				path := s.path + ".expose." + site.Index(i)
				g := p.Site.Gateways[e.Gateway]
				switch {
				case g == nil:
					p.Reportf(path+".gateway", "%s/%s is exposed on gateway %q, which does not exist", s.namespace, s.name, e.Gateway).
						Hintf("gateways: %s", keys(p.Site.Gateways))
				case e.Listener != "" && g.Listeners[e.Listener] == nil:
					p.Reportf(path+".listener", "%s/%s is exposed on listener %q of gateway %q, which does not exist", s.namespace, s.name, e.Listener, e.Gateway).
						Hintf("listeners: %s", keys(g.Listeners))
				}
			}
		}
	},
}

// UnknownExternal finds an egress to a destination that does not exist.
var UnknownExternal = &check.Rule{
	ID: "MG7003", Name: "unknown-external", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service reaches out to a destination that is not declared

With a registry-only mesh the connection would be refused.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, e := range s.Egress {
				if p.Site.External[e] == nil {
					p.Reportf(s.path+".egress."+site.Index(i), "%s/%s reaches out to %q, which external does not declare", s.namespace, s.name, e).
						Hintf("external: %s", keys(p.Site.External))
				}
			}
		}
	},
}

// SplitWeights finds a split that does not add up.
var SplitWeights = &check.Rule{
	ID: "MG7004", Name: "split-weights", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the weights of a split do not add up to 100, or a target stands twice

Meshes refuse it or scale it, each in its own way.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			sum := 0
			seen := map[string]bool{}
			for i, t := range s.Split {
				sum += t.Weight
				if seen[t.Service] {
					p.Reportf(s.path+".split."+site.Index(i)+".service", "the split of %s/%s names %q twice", s.namespace, s.name, t.Service).Hintf("each service once")
				}
				seen[t.Service] = true
			}
			if len(s.Split) > 0 && sum != 100 {
				p.Reportf(s.path+".split", "the weights of %s/%s add up to %d, not 100", s.namespace, s.name, sum).
					Hintf("weights that add up to 100")
			}
		}
	},
}

// HostTwice finds two owners of one place behind a gateway.
var HostTwice = &check.Rule{
	ID: "MG7005", Name: "host-exposed-twice", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two namespaces expose one host on one gateway, or two services one path of it

Which of two routes for a host wins is not defined across namespaces; and one path can lead to one service only.`,
	Run: func(p *check.Pass) {
		type place struct{ gateway, host, path string }
		type owner struct{ namespace, service, at string }
		hosts, paths := map[place]owner{}, map[place]owner{}
		for s := range services(p.Site) {
			for i, e := range s.Expose {
				at := s.path + ".expose." + site.Index(i)
				me := owner{s.namespace, s.name, at}
				h := place{gateway: e.Gateway, host: e.Host}
				if o, ok := hosts[h]; ok && o.namespace != s.namespace {
					p.Reportf(at+".host", "host %s on gateway %q is exposed by namespace %q, and already by %q", e.Host, e.Gateway, s.namespace, o.namespace).Hintf("one namespace for the host; its services split it by path").
						Related(o.at+".host", "first exposed here")
					continue
				}
				hosts[h] = me
				h.path = "/"
				if e.Path != nil {
					h.path = e.Path.String()
				}
				if o, ok := paths[h]; ok {
					p.Reportf(at, "path %s of %s on gateway %q leads to %q, and already to %q", h.path, e.Host, e.Gateway, s.name, o.service).Hintf("another path for one of the two, or one service with a split").
						Related(o.at, "first exposed here")
					continue
				}
				paths[h] = me
			}
		}
	},
}

// strict reports whether a namespace refuses callers without an identity.
func strict(s *site.Site, namespace string) bool {
	mode := s.Namespaces[namespace].MTLS
	if mode == "" {
		mode = s.Mesh.MTLS
	}
	return mode == "strict" && s.Namespaces[namespace].Mesh
}

// StrictUnmeshedCaller finds a caller without a certificate at a service that asks for one.
var StrictUnmeshedCaller = &check.Rule{
	ID: "MG7006", Name: "strict-unmeshed-caller", Severity: diag.Error, On: check.OnSite,
	Doc: `a caller outside the mesh calls a service that requires mutual TLS

It has no certificate: its connections are reset at the first byte.`,
	Run: func(p *check.Pass) {
		if kind := p.Site.Mesh.Kind; kind == "none" || kind == "cilium" { // nobody is asked for a certificate
			return
		}
		for s := range services(p.Site) {
			if p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			for i, c := range s.Calls {
				ns, _, _ := strings.Cut(c, "/")
				if lookup(p.Site, c) != nil && strict(p.Site, ns) {
					p.Reportf(s.path+".calls."+site.Index(i), "%s/%s is outside the mesh and calls %s, which requires mutual TLS", s.namespace, s.name, c).
						Hintf("namespaces: %s: mtls: \"permissive\", or take %s into the mesh", ns, s.namespace).
						Related(site.Join("namespaces", ns), "the namespace of the callee")
				}
			}
		}
	},
}

// RetriesUnmet finds retries that the gateway in front cannot do.
var RetriesUnmet = &check.Rule{
	ID: "MG7007", Name: "retries-unmet", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service with retries is exposed on a gateway whose API has none

HTTPRoute knows retries on the experimental channel only: on the standard one the field is dropped without a word. Consul
has filters of its own for them, and under Linkerd the proxy beside the gateway's does it.`,
	Run: func(p *check.Pass) {
		if at := p.Profiles.Mesh(p.Site.Mesh.Kind).Capability("retries.attempts").GatewayAPI; p.Site.Mesh.Kind == "linkerd" || at != nil && at.Support != profile.None {
			return
		}
		for s := range services(p.Site) {
			if s.Retries == nil {
				continue
			}
			if p.Site.Mesh.Kind == "istio-ambient" && p.Site.Namespaces[s.namespace].Waypoint {
				continue // which the gateway's clients pass too
			}
			for i, e := range s.Expose {
				if g := p.Site.Gateways[e.Gateway]; g != nil && g.Frontend == "gateway-api" {
					p.Reportf(s.path+".expose."+site.Index(i)+".gateway", "%s/%s declares retries, which gateway %q cannot do: its frontend is gateway-api", s.namespace, s.name, e.Gateway).
						Hintf("gateways: %s: frontend: \"istio\", or declare the retries where no gateway exposes them", e.Gateway).
						Related(s.path+".retries", "the retries")
				}
			}
		}
	},
}

// ExposeUnservable finds a route that its listener cannot carry.
var ExposeUnservable = &check.Rule{
	ID: "MG7008", Name: "expose-unservable", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service is exposed, and nothing can carry its requests

It needs a port to lead to, and a listener of the gateway that serves requests rather than only redirecting them.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, e := range s.Expose {
				g := p.Site.Gateways[e.Gateway]
				if g == nil {
					continue
				}
				if li := g.Listeners[e.Listener]; li != nil && !isRequest(li.Protocol) {
					continue // a listener of connections
				}
				path := s.path + ".expose." + site.Index(i)
				if !hasPort(s.Service, "http", "grpc") {
					p.Reportf(path, "%s/%s is exposed and has no port that speaks http or grpc", s.namespace, s.name).
						Hintf("ports: NAME: {port: …, protocol: \"http\"}; or a listener for streams")
				}
				serves := false
				for ln, li := range g.Listeners {
					serves = serves || isRequest(li.Protocol) && !li.RedirectToHTTPS && (e.Listener == "" || e.Listener == ln)
				}
				if !serves {
					p.Reportf(path, "%s/%s is exposed on gateway %q, which has no listener that serves requests", s.namespace, s.name, e.Gateway).
						Related(site.Join("gateways", e.Gateway, "listeners"), "its listeners").
						Hintf("gateways: %s: listeners: NAME: {port: …, protocol: \"https\", tls: …}; or listener: a name of these", e.Gateway)
				}
			}
		}
	},
}

// hasPort reports whether a service has a port of one of the protocols.
func hasPort(s *site.Service, of ...string) bool {
	for _, p := range s.Ports {
		if slices.Contains(of, p.Protocol) {
			return true
		}
	}
	return false
}

func isRequest(protocol string) bool {
	return protocol == "http" || protocol == "https" || protocol == "grpc"
}

// CallerRefused finds a declared call that the callee's own list refuses.
var CallerRefused = &check.Rule{
	ID: "MG7009", Name: "caller-refused", Severity: diag.Error, On: check.OnSite,
	Doc: `a service declares a call to one that does not admit it

allow, where given, is exactly the callers: everybody else gets 403.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, c := range s.Calls {
				callee := lookup(p.Site, c)
				if callee == nil || callee.Allow == nil {
					continue
				}
				admitted := slices.ContainsFunc(callee.Allow, func(a site.Allow) bool {
					return slices.Contains(a.From, s.namespace+"/"+s.name)
				})
				if !admitted {
					ns, sn, _ := strings.Cut(c, "/")
					p.Reportf(s.path+".calls."+site.Index(i), "%s/%s calls %s, which does not admit it", s.namespace, s.name, c).
						Related(site.Join("namespaces", ns, "services", sn, "allow"), "who is admitted").
						Hintf("there: allow: [{from: [%q]}]", s.namespace+"/"+s.name)
				}
			}
		}
	},
}

// SplitPorts finds a split to a service that is not spoken to alike.
var SplitPorts = &check.Rule{
	ID: "MG7010", Name: "split-ports", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the target of a split lacks a port of its source, or speaks another protocol there

Callers ask for the source's ports: the share that goes to the target would be refused.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, t := range s.Split {
				target := p.Site.Namespaces[s.namespace].Services[t.Service]
				if target == nil {
					continue
				}
				for name, port := range byKey(s.Ports) {
					other := target.Ports[name]
					if other == nil || other.Port != port.Port || other.Protocol != port.Protocol {
						p.Reportf(s.path+".split."+site.Index(i)+".service", "%s/%s is split to %q, which has no port %q with number %d and protocol %s",
							s.namespace, s.name, t.Service, name, port.Port, port.Protocol).
							Related(site.Join("namespaces", s.namespace, "services", t.Service, "ports"), "the ports of the target").
							Hintf("the same port there")
					}
				}
			}
		}
	},
}

// LabelsShared finds two services that one selector would take for one.
var LabelsShared = &check.Rule{
	ID: "MG7012", Name: "pod-labels-shared", Severity: diag.Error, On: check.OnSite,
	Doc: `the pods of one service carry all labels that another service of the namespace is known by

Policies select pods by these labels: what is meant for one would hold for both.`,
	Run: func(p *check.Pass) {
		for nn, n := range byKey(p.Site.Namespaces) {
			for an, a := range byKey(n.Services) {
				for bn, b := range byKey(n.Services) {
					if an == bn || len(a.Labels) == 0 || len(b.Labels) == 0 || !covers(a.Labels, b.Labels) {
						continue
					}
					p.Reportf(site.Join("namespaces", nn, "services", an, "labels"), "the pods of %s/%s carry every label that %s is known by", nn, an, bn).Hintf("labels that the pods of %s do not all carry", bn).
						Related(site.Join("namespaces", nn, "services", bn, "labels"), "the labels of the other")
				}
			}
		}
	},
}

func covers(all, part map[string]string) bool {
	for k, v := range part {
		if all[k] != v {
			return false
		}
	}
	return true
}

// RequestIntent finds an intent about requests at a service that has connections only.
var RequestIntent = &check.Rule{
	ID: "MG7011", Name: "request-intent-on-stream", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service is given what only requests can have, and a port of it carries none

A proxy sees requests in http and grpc only: on other ports the intent would be dropped, or refuse everything.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			streams := hasPort(s.Service, "https", "tls", "tcp", "udp") || !hasPort(s.Service, "http", "grpc")
			if !streams {
				continue
			}
			bad := func(field, what string) {
				p.Reportf(s.path+"."+field, "%s/%s has %s, and a port that carries no requests", s.namespace, s.name, what).
					Related(s.path+".ports", "its ports").
					Hintf("leave it out, or a service of its own for the other port")
			}
			if s.Timeout != "" {
				bad("timeout", "a timeout")
			}
			if s.Retries != nil {
				bad("retries", "retries")
			}
			if len(s.Split) > 0 {
				bad("split", "a split")
			}
			if s.RateLimit != nil {
				bad("rateLimit", "a rate limit")
			}
			if s.Fault != nil {
				bad("fault", "a fault")
			}
			if s.JWT != nil {
				bad("jwt", "tokens")
			}
			for i, a := range s.Allow {
				if len(a.Methods)+len(a.Paths) > 0 {
					bad("allow."+site.Index(i), "callers by method or path")
				}
			}
		}
	},
}
