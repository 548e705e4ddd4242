package compiler

import (
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/backend/calico"
	"meshgen.dev/meshgen/compiler/backend/checks"
	"meshgen.dev/meshgen/compiler/backend/cilium"
	"meshgen.dev/meshgen/compiler/backend/ciliummesh"
	"meshgen.dev/meshgen/compiler/backend/consul"
	"meshgen.dev/meshgen/compiler/backend/delivery"
	"meshgen.dev/meshgen/compiler/backend/documents"
	"meshgen.dev/meshgen/compiler/backend/envoygateway"
	"meshgen.dev/meshgen/compiler/backend/eos"
	"meshgen.dev/meshgen/compiler/backend/exposure"
	"meshgen.dev/meshgen/compiler/backend/external"
	"meshgen.dev/meshgen/compiler/backend/flows"
	"meshgen.dev/meshgen/compiler/backend/frr"
	"meshgen.dev/meshgen/compiler/backend/gatewayapi"
	"meshgen.dev/meshgen/compiler/backend/hosts"
	"meshgen.dev/meshgen/compiler/backend/istio"
	"meshgen.dev/meshgen/compiler/backend/kubevip"
	"meshgen.dev/meshgen/compiler/backend/kustomization"
	"meshgen.dev/meshgen/compiler/backend/linkerd"
	"meshgen.dev/meshgen/compiler/backend/machines"
	"meshgen.dev/meshgen/compiler/backend/metallb"
	"meshgen.dev/meshgen/compiler/backend/namespaces"
	"meshgen.dev/meshgen/compiler/backend/networkpolicy"
	"meshgen.dev/meshgen/compiler/backend/nodes"
	"meshgen.dev/meshgen/compiler/backend/nxos"
	"meshgen.dev/meshgen/compiler/backend/observability"
	"meshgen.dev/meshgen/compiler/backend/openelb"
	"meshgen.dev/meshgen/compiler/backend/registry"
	"meshgen.dev/meshgen/compiler/backend/report"
	"meshgen.dev/meshgen/compiler/backend/secrets"
)

// targets is every backend, in the order in which they write. One prints nothing for a plan that is not its own; the
// last two list what the others have written.
var targets = []backend.Backend{
	nodes.Backend,
	namespaces.Backend,
	metallb.Backend,
	kubevip.Backend,
	openelb.Backend,
	cilium.Backend,
	calico.Backend,
	frr.Backend,
	frr.SONiC,
	eos.Backend,
	nxos.Backend,
	external.Backend,
	exposure.Backend,
	flows.Backend,
	hosts.Backend,
	gatewayapi.Backend,
	envoygateway.Backend,
	istio.Backend,
	istio.Ambient,
	linkerd.Backend,
	ciliummesh.Backend,
	consul.Backend,
	machines.Backend,
	networkpolicy.Backend,
	registry.Backend,
	secrets.Backend,
	observability.Backend,
	checks.Backend,
	kustomization.Backend,
	delivery.Backend,
	documents.Backend,
	report.Backend,
}
