package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// LinkerdOutlier finds failing pods that Linkerd would not leave out.
var LinkerdOutlier = &check.Rule{
	ID: "MG5430", Name: "linkerd-outlier", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `pods of a service are to be left out when they fail, and Linkerd counts no failures of them

Callers' proxies count failed requests, and choose among the pods behind the address of a Service. A stream has no requests,
and who calls a headless service has chosen a pod already.
Source: linkerd/linkerd2-proxy linkerd/app/outbound/src/http/breaker.rs and linkerd/proxy/client-policy/src/lib.rs, failure_accrual
of Http1, Http2 and Grpc alone; read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "linkerd" {
			return
		}
		for s := range services(p.Site) {
			if s.OutlierDetection == nil || !p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			switch at := s.path + ".outlierDetection"; {
			case !hasPort(s.Service, "http", "grpc"):
				p.Reportf(at, "%s carries no requests, and mesh linkerd counts failures of requests alone", s.full()).
					Related(s.path+".ports", "its ports").Hintf("leave it out")
			case s.Headless:
				p.Reportf(at, "%s is headless: its callers choose a pod by themselves, and mesh linkerd leaves none out for them", s.full()).
					Related(s.path+".headless", "headless").Hintf("leave it out, or a Service with an address")
			}
		}
	},
}
