// Package gatewayapi prints the ways in that are the same whatever mesh stands behind them.
//
// In comes an *ir.Plan. Out go, in phase 30-gateways, for each gateway with frontend "gateway-api" a Gateway, its
// routes of HTTP, TLS, TCP and UDP; and for every gateway the Certificates by which cert-manager makes its Secrets. The object
// with a Gateway's parameters is written by the backend of the program that deploys it.
package gatewayapi

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend prints objects of the Gateway API, and certificates.
var Backend = backend.Backend{
	Name: "gateway-api",
	Kind: "gateways",
	Doc:  "Gateways and routes of the Gateway API, and the certificates of all gateways",
	Emit: emit,
}

const (
	group      = "gateway.networking.k8s.io"
	apiVersion = group + "/v1"
)

// namespaceLabel is on every namespace and carries its name.
const namespaceLabel = "kubernetes.io/metadata.name"

func emit(p *ir.Plan, t *artifact.Tree) {
	o := backend.NewWriter(p, t, backend.Gateways, "Gateway")
	for i := range p.Gateways {
		if g := &p.Gateways[i]; g.Frontend == ir.FrontendGatewayAPI {
			gateway(o, g)
		}
	}
	certificates(p, t)
	routes(p, t)
}
