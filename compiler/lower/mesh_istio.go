package lower

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// istioCNINamespace holds the CNI node agent alone: it needs the privileged level, and nothing else should have it.
const istioCNINamespace = "istio-cni"

// istioSidecar is Istio with a proxy in each pod.
var istioSidecar = meshKind{
	inject:       injectSidecars,
	out:          outOfIstio,
	namespaces:   istioNamespaces,
	releases:     istioReleases,
	gateway:      istioGateway,
	step:         istioStep,
	certificates: istioCertificates,
	pushes:       istioPushes,
	metrics:      istioMetrics,
	monitors:     istioMonitors,
	machines:     machineEntries,
	crossing:     &istioCrossing,
	wayOut:       &wayOut{providers: []string{"host", "kube-vip"}, proxy: sidecarWayOut},
}

// istio reports whether the site's mesh is Istio, in either mode.
func (l *lowering) istio() bool {
	return l.s.Mesh.Kind == "istio-sidecar" || l.s.Mesh.Kind == "istio-ambient"
}

func injectSidecars(l *lowering, n *ir.Namespace) {
	if n.Meshed || n.Purpose == "gateway" {
		n.InjectLabels = []ir.KV{{Key: "istio.io/rev", Value: l.p.Mesh.RevisionLabel()}}
		n.From = append(n.From, "mesh.revision")
		if next := l.p.Mesh.Next; next != nil && slices.Contains(next.Namespaces, n.Name) {
			n.InjectLabels[0].Value = next.Revision
		}
		if l.p.Mesh.Next != nil {
			n.From = append(n.From, "mesh.upgrade")
		}
	} else {
		n.InjectLabels = []ir.KV{{Key: "istio-injection", Value: "disabled"}}
	}
}

func istioNamespaces(l *lowering) []ownNamespace {
	return []ownNamespace{
		{l.p.Mesh.Namespace, "baseline"},
		{istioCNINamespace, "privileged"}, // host network namespaces and CNI directories
	}
}

func istioReleases(l *lowering) []ir.Release {
	m := l.p.Mesh
	row := l.meshProfile().Release(m.Version)
	from := under("mesh", "kind", "version")
	one := func(name, chart, namespace string) ir.Release {
		return ir.Release{Name: name, Component: "istio", Chart: chart, Repository: row.Charts.Repository, Version: m.Version, Namespace: namespace, From: from}
	}
	base := one("istio-base", row.Charts.Base, m.Namespace)
	if n := m.Next; n != nil { // the kinds of objects first: they serve both control planes
		next := l.meshProfile().Release(n.Version)
		base.Chart, base.Repository, base.Version = next.Charts.Base, next.Charts.Repository, n.Version
		base.From = append(base.From[:len(base.From):len(base.From)], n.From...)
	}
	out := []ir.Release{base}
	if m.CA != nil && m.CA.Signer != nil {
		out = append(out, l.signerRelease())
	}
	out = append(out, istiods(l, row.Charts.Control)...)
	out = append(out, one("istio-cni", row.Charts.CNI, istioCNINamespace))
	for _, g := range l.p.Gateways {
		if g.Frontend == ir.FrontendIstio {
			r := one(g.Release, row.Charts.Gateway, g.Namespace)
			r.Gateway, r.From = g.Name, append(from[:len(from):len(from)], g.From...)
			out = append(out, r)
		}
	}
	for _, x := range l.p.EgressProxies {
		if x.Pods.Frontend != ir.FrontendIstio {
			continue // istiod deploys it
		}
		r := one(x.Pods.Release, row.Charts.Gateway, x.Pods.Namespace)
		r.Egress, r.From = x.Pods.Name, append(from[:len(from):len(from)], x.From...)
		out = append(out, r)
	}
	return out
}

// istioGateway: what the chart names and labels, and what istiod's own deployer does, differ; both are fixed upstream.
func istioGateway(l *lowering, g *ir.Gateway) {
	if g.Frontend == ir.FrontendIstio {
		g.Release = "gateway-" + g.Name
		g.Selector = []ir.KV{{Key: "istio", Value: g.Release}}
	} else {
		g.Release = g.Name + "-istio"
		g.Selector = []ir.KV{{Key: "gateway.networking.k8s.io/gateway-name", Value: g.Name}}
		g.APIClass = "istio"
		g.Parameters = ir.ObjectRef{Kind: "ConfigMap", Name: g.Name + "-parameters"}
		g.Labels = []ir.KV{{Key: "istio.io/rev", Value: l.p.Mesh.RevisionLabel()}}
	}
	g.ServiceAccount = g.Release
	if g.Frontend == ir.FrontendGatewayAPI && l.p.CrossesSites(g) {
		eastWest(l, g)
	}
}

// defaultValidator is the webhook configuration of the base chart
// (manifests/charts/base/templates/defaultrevision-validatingwebhookconfiguration.yaml).
const defaultValidator = "istiod-default-validator"

// istioStep adds what differs between the charts of the control plane. Names are those of release 1.31's templates; istiod
// fills the CA into each webhook, and the failure policy into those that validate.
func istioStep(l *lowering, step *ir.ChartStep) {
	const admission, validating = "admissionregistration.k8s.io", "ValidatingWebhookConfiguration"
	const caBundle, failurePolicy = ".webhooks[]?.clientConfig.caBundle", ".webhooks[]?.failurePolicy"
	m, revisioned := l.p.Mesh, revisioned(step.Release.Revision)
	from := ir.From{"mesh.kind", "mesh.revision"}
	if n := m.Next; n != nil {
		from = append(from, n.From...)
	}
	switch {
	case step.Release.Name == "istio-base":
		step.Prune = false // the CRDs are among its templates
		step.Rewritten = []ir.Rewritten{{Group: admission, Kind: validating, Name: defaultValidator, Fields: []string{caBundle, failurePolicy}, From: from}}
	case step.Release.Component == signerComponent:
		signerStep(l, step)
	case strings.HasPrefix(step.Release.Name, "istiod"):
		step.Rewritten = []ir.Rewritten{
			{Group: admission, Kind: validating, Name: "istio-validator" + revisioned + "-" + m.Namespace, Fields: []string{caBundle, failurePolicy}, From: from},
			{Group: admission, Kind: "MutatingWebhookConfiguration", Name: "istio-sidecar-injector" + revisioned, Fields: []string{caBundle}, From: from},
		}
		// The base chart's webhook refuses every Istio object until istiod has filled in its CA.
		step.Waits = []ir.Wait{
			{Namespace: m.Namespace, Object: "deployment.apps/istiod" + revisioned, For: "condition=Available", From: from},
			{Object: strings.ToLower(validating) + "." + admission + "/" + defaultValidator, For: "jsonpath={.webhooks[0].clientConfig.caBundle}", From: from},
		}
	}
}
