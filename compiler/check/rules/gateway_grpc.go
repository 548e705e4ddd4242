package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// GatewayGRPC finds services of gRPC behind a program that takes them for HTTP/1.1.
var GatewayGRPC = &check.Rule{
	ID: "MG5810", Name: "gateway-grpc", Severity: diag.Warning, On: check.OnPlan,
	Doc: `a service of gRPC is exposed on a gateway whose program asks the Service which protocol it speaks

Envoy Gateway sends requests on as HTTP/1.1, whatever they came as, unless the port of the Service carries an appProtocol of
HTTP/2: calls of gRPC then all fail. The Service is its owner's, and not of the tree.
Source: envoyproxy/gateway v1.8.3 internal/gatewayapi/route.go serviceAppProtocolToIRAppProtocol; Kubernetes, Service,
appProtocol; read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		programs := map[string]string{}
		for i := range p.Plan.Gateways {
			programs[p.Plan.Gateways[i].Name] = p.Plan.Gateways[i].Program.Kind
		}
		for i := range p.Plan.Services {
			s := &p.Plan.Services[i]
			for _, x := range s.Exposes {
				if programs[x.Gateway] == "envoy-gateway" && x.Port.Protocol == "grpc" {
					p.Reportf(site.Join("namespaces", s.Namespace, "services", s.Name, "expose"), "%s/%s speaks gRPC, and gateway %q sends HTTP/1.1 to a Service that does not say so", s.Namespace, s.Name, x.Gateway).
						Related(site.Join("gateways", x.Gateway, "implementation"), "the program").
						Hintf("appProtocol: kubernetes.io/h2c at port %d of the Service, and a waiver here that says so", x.Port.Port)
					break
				}
			}
		}
	},
}
