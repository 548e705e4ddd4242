package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ConsulHeadless finds what a caller's proxy would do, were it asked.
var ConsulHeadless = &check.Rule{
	ID: "MG5850", Name: "consul-headless", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a headless service of Consul declares what only callers of its Service's address get

Callers dial its pods, and their proxies hand the connection on as it is, to the pod that was dialed: no router, splitter or
check of endpoints comes before it. Who may call, with which methods, paths and tokens, the pod's own proxy decides as always.
Source: hashicorp/consul agent/proxycfg/upstreams.go (PassthroughUpstreams), agent/xds/listeners.go (their chains are of
protocol tcp); hashicorp/consul-k8s v2.0.3 CRD ServiceDefaults, transparentProxy.dialedDirectly; read on 2026-11-22.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		headless := func(s *site.Service) bool { return s != nil && s.Headless && s.Workload != "VM" }
		for s := range services(p.Site) {
			if n := p.Site.Namespaces[s.namespace]; !n.Mesh {
				continue
			}
			for i, w := range s.Split {
				if w.Service != s.name && headless(p.Site.Namespaces[s.namespace].Services[w.Service]) {
					p.Reportf(s.path+".split."+site.Index(i)+".service", "%s sends a share of its requests to %s/%s, which is headless: its callers dial pods", s.full(), s.namespace, w.Service).
						Related(site.Join("namespaces", s.namespace, "services", w.Service, "headless"), "headless").Hintf("a Service with an address for the share")
				}
			}
			if !headless(s.Service) {
				continue
			}
			for _, f := range []struct {
				given bool
				field string
			}{{s.Timeout != "", "timeout"}, {s.Retries != nil, "retries"}, {len(s.Split) > 0, "split"}, {s.OutlierDetection != nil, "outlierDetection"}} {
				if f.given {
					p.Reportf(s.path+"."+f.field, "%s declares %s, and is headless: its callers dial pods, and Consul's proxies let that pass as it is", s.full(), f.field).
						Related(s.path+".headless", "headless").Hintf("leave it out, or a Service with an address")
				}
			}
		}
	},
}
