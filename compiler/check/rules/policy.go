package rules

import (
	"cmp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// AdmittedWithoutCall finds a caller that is admitted and does not call.
var AdmittedWithoutCall = &check.Rule{
	ID: "MG7107", Name: "admitted-without-call", Severity: diag.Warning, On: check.OnSite,
	Doc: `a service admits a caller that declares no call to it

What a workload may send to is made from its calls: the door is open and the way to it is not, so the caller gets
timeouts. Where it does not call any more, the admission is more than is needed.`,
	Run: func(p *check.Pass) {
		// Whoever calls a service with a split reaches its targets as well.
		sources := map[string][]string{}
		for s := range services(p.Site) {
			for _, t := range s.Split {
				target := s.namespace + "/" + t.Service
				sources[target] = append(sources[target], s.full())
			}
		}
		for s := range services(p.Site) {
			names := append([]string{s.full()}, sources[s.full()]...)
			for i, a := range s.Allow {
				for j, from := range a.From {
					caller := lookup(p.Site, from)
					if caller == nil || caller == s.Service ||
						slices.ContainsFunc(names, func(n string) bool { return slices.Contains(caller.Calls, n) }) {
						continue
					}
					ns, sn, _ := strings.Cut(from, "/")
					p.Reportf(s.path+".allow."+site.Index(i)+".from."+site.Index(j), "%s admits %s, which declares no call to it", s.full(), from).
						Related(site.Join("namespaces", ns, "services", sn), "the caller").
						Hintf("namespaces: %q: services: %q: calls: [%q], or leave it out here", ns, sn, s.full())
				}
			}
		}
	},
}

// ServiceAccountShared finds services that policy must tell apart and cannot.
var ServiceAccountShared = &check.Rule{
	ID: "MG7108", Name: "service-account-shared", Severity: diag.Warning, On: check.OnSite,
	Doc: `two services run as one ServiceAccount, and only one of them may call another

The mesh knows a workload by its ServiceAccount: what is opened for one is open for the other, whatever the list of
callers says. The NetworkPolicy below still tells them apart, by connection and not by request.
Source: istio.io, Security concepts, Istio identity; linkerd.io, Automatic mTLS.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		if kind == "none" || kind == "cilium" {
			return // pods are known by their labels there
		}
		for nn, n := range byKey(p.Site.Namespaces) {
			if !n.Mesh {
				continue
			}
			first := map[string]string{}
			for sn, s := range byKey(n.Services) {
				account := cmp.Or(s.ServiceAccount, sn)
				on, ok := first[account]
				if !ok {
					first[account] = sn
					continue
				}
				who, callee := sn, onlyOne(s.Calls, n.Services[on].Calls)
				other := on
				if callee == "" {
					who, other, callee = on, sn, onlyOne(n.Services[on].Calls, s.Calls)
				}
				if callee == "" {
					continue
				}
				path := site.Join("namespaces", nn, "services", sn)
				if s.ServiceAccount != "" {
					path += ".serviceAccount"
				}
				p.Reportf(path, "%s/%s and %s/%s run as ServiceAccount %q, and only %s calls %s: %s could as well", nn, sn, nn, on, account, who, callee, other).
					Related(site.Join("namespaces", nn, "services", on), "the other of the two").
					Hintf("serviceAccount: %q", nn+"-"+sn)
			}
		}
	},
}

// onlyOne returns a name that stands in a and not in b, or "".
func onlyOne(a, b []string) string {
	for _, x := range a {
		if !slices.Contains(b, x) {
			return x
		}
	}
	return ""
}

// ServiceUnreachable finds a service that listens and that nobody may reach.
var ServiceUnreachable = &check.Rule{
	ID: "MG7110", Name: "service-unreachable", Severity: diag.Warning, On: check.OnSite,
	Doc: `a service has ports, and nobody may reach it

No service calls it, no gateway and no exposure leads to it: policy is made from these, so every connection to it is
refused. Outside production nothing is said: tests reach services by hand. Nor is it on a federated site, whose services
the other sites may call.`,
	Run: func(p *check.Pass) {
		if p.Site.Federation != nil {
			return
		}
		reached := map[string]bool{}
		for _, e := range p.Site.Exposures {
			reached[e.Service] = true
		}
		if t := p.Site.Observability.Tracing; t != nil {
			if ns, sn, _, ok := collector(t.OTLP); ok {
				reached[ns+"/"+sn] = true
			}
		}
		for s := range services(p.Site) {
			for _, c := range s.Calls {
				reached[c] = true
			}
			for _, t := range s.Split {
				reached[s.namespace+"/"+t.Service] = reached[s.namespace+"/"+t.Service] || t.Service != s.name
			}
			if len(s.Expose) > 0 || len(s.Allow) > 0 {
				reached[s.full()] = true
			}
		}
		if len(reached) == 0 {
			return // nothing is wired yet, so there is nothing that was forgotten
		}
		for s := range services(p.Site) {
			if reached[s.full()] || len(s.Ports) == 0 || !inProduction(p.Site, s.namespace) || onlyMetrics(s.Service) {
				continue
			}
			p.Reportf(s.path, "%s has ports, and nobody may reach it: no call, no gateway and no exposure leads to it", s.full()).
				Hintf("calls: [%q] at its callers, expose here, or leave its ports out", s.full()).Related(s.path+".ports", "its ports")
		}
	},
}

// onlyMetrics reports whether a service has no port but for a scraper, which every pod lets in.
func onlyMetrics(s *site.Service) bool {
	for name := range s.Ports {
		if !strings.Contains(name, "metrics") {
			return false
		}
	}
	return true
}
