package lower

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

const (
	// linkerdCNINamespace holds the agent that chains the plug-in, which writes to folders of the host.
	linkerdCNINamespace = "linkerd-cni"
	// linkerdEgress is where networks stand that hold in all namespaces: egress.globalEgressNetworkNamespace of the chart.
	linkerdEgress = "linkerd-egress"
	// linkerdControl is who reads its Secrets, as the list of Secrets calls him.
	linkerdControl = "chart linkerd-control-plane"
	// linkerdWebhooks signs the certificates of its webhooks, and linkerdWebhooksRoot that authority, by itself.
	linkerdWebhooks, linkerdWebhooksRoot = "linkerd-webhooks", "linkerd-webhooks-root"
)

// linkerd is Linkerd with a proxy in each pod, redirected to by the CNI plug-in. An init container in each pod would do
// it too, with capabilities (NET_ADMIN, NET_RAW) that Pod Security refuses below the level privileged; namespaces of
// gateways are restricted.
var linkerd = meshKind{
	inject:       injectLinkerd,
	out:          outOfLinkerd,
	keepOut:      keepOutLinkerd,
	namespaces:   linkerdNamespaces,
	releases:     linkerdReleases,
	gateway:      linkerdFederatedGateway, // every other gateway has a program
	step:         linkerdStep,
	certificates: linkerdCertificates,
	pushes:       linkerdPushes,
	metrics:      linkerdMetrics,
	monitors:     linkerdMonitors,
	marks:        linkerdMarks,
	machines:     machineEntries,
	upgrade:      linkerdUpgrade,
	crossing:     &linkerdCrossing,
}

// injectLinkerd: a gateway's proxy sees what its pods send. What they receive goes past it: clients have no identity, and
// behind the proxy they would all seem to be the pod itself.
func injectLinkerd(l *lowering, n *ir.Namespace) {
	set := func(key, value string) { n.Annotations = append(n.Annotations, ir.KV{Key: key, Value: value}) }
	switch {
	case n.Name == linkerdMulticluster: // nobody but proxies calls there
		set("linkerd.io/inject", "enabled")
		n.InjectLabels = append(n.InjectLabels, ir.KV{Key: "linkerd.io/extension", Value: "multicluster"})
	case n.Purpose == "gateway":
		set("linkerd.io/inject", "enabled")
		for i := range l.p.Gateways {
			if g := &l.p.Gateways[i]; g.Namespace == n.Name {
				// A kubelet that is refused at the port of the shutdown does not wait: the proxy would end with its connections open.
				ports := []int{int(g.Program.MetricsPort), int(g.Program.HealthPort), int(g.Program.ShutdownPort)}
				for _, li := range g.Listeners {
					ports = append(ports, int(li.Port))
					n.From = append(n.From, li.From.Of("port")...)
				}
				slices.Sort(ports)
				text := make([]string, 0, len(ports))
				for _, p := range slices.Compact(ports) {
					text = append(text, strconv.Itoa(p))
				}
				set("config.linkerd.io/skip-inbound-ports", strings.Join(text, ","))
			}
		}
	case n.Meshed:
		set("linkerd.io/inject", "enabled")
		n.From = append(n.From, "observability.accessLogs")
		if l.p.Mesh.AccessLogs == "all" {
			set("config.linkerd.io/access-log", "json")
		}
	default:
		set("linkerd.io/inject", "disabled")
	}
}

// keepOutLinkerd: the webhook of the injector fails closed. What the mesh stands on must start without it.
func keepOutLinkerd(_ *lowering, n *ir.Namespace) {
	n.InjectLabels = append(n.InjectLabels, ir.KV{Key: "config.linkerd.io/admission-webhooks", Value: "disabled"})
	n.Annotations = append(n.Annotations, ir.KV{Key: "linkerd.io/inject", Value: "disabled"})
}

func linkerdNamespaces(l *lowering) []ownNamespace {
	out := []ownNamespace{
		{l.p.Mesh.Namespace, "restricted"},
		{linkerdCNINamespace, "privileged"}, // folders of the host
	}
	if l.p.Mesh.RegistryOnly {
		out = append(out, ownNamespace{linkerdEgress, "restricted"})
	}
	return out
}

func linkerdReleases(l *lowering) []ir.Release {
	m := l.p.Mesh
	c := l.meshProfile().Release(m.Version).Charts
	from := under("mesh", "kind", "version")
	one := func(chart, namespace string) ir.Release {
		return ir.Release{Name: chart, Component: "linkerd", Chart: chart, Repository: c.Repository, Version: c.Version, Namespace: namespace, From: from}
	}
	out := []ir.Release{one(c.Base, m.Namespace), one(c.CNI, linkerdCNINamespace), one(c.Control, m.Namespace)}
	if l.p.Federation != nil {
		many := one(linkerdMulticluster, linkerdMulticluster)
		many.From = append(slices.Clone(from), "federation")
		out = append(out, many)
	}
	return out
}

// linkerdStep adds what differs between the charts. Names are those of the templates of edge-26.6.3.
func linkerdStep(l *lowering, step *ir.ChartStep) {
	const admission = "admissionregistration.k8s.io"
	m := l.p.Mesh
	c := l.meshProfile().Release(m.Version).Charts
	from := m.From.Of("kind")
	switch step.Release.Name {
	case c.Base:
		step.Prune = false // the CRDs are its templates
		for _, kind := range []string{"servers", "authorizationpolicies", "meshtlsauthentications", "networkauthentications"} {
			step.Waits = append(step.Waits, ir.Wait{Object: "customresourcedefinition.apiextensions.k8s.io/" + kind + ".policy.linkerd.io", For: "condition=Established", From: from})
		}
	case c.Control:
		caBundle := []string{".webhooks[]?.clientConfig.caBundle"}
		step.Rewritten = []ir.Rewritten{
			{Group: admission, Kind: "MutatingWebhookConfiguration", Name: "linkerd-proxy-injector-webhook-config", Fields: caBundle, From: from},
			{Group: admission, Kind: "ValidatingWebhookConfiguration", Name: "linkerd-policy-validator-webhook-config", Fields: caBundle, From: from},
			{Group: admission, Kind: "ValidatingWebhookConfiguration", Name: "linkerd-sp-validator-webhook-config", Fields: caBundle, From: from},
		}
		for _, name := range []string{"identity", "destination", "proxy-injector"} {
			step.Waits = append(step.Waits, ir.Wait{Namespace: m.Namespace, Object: "deployment.apps/linkerd-" + name, For: "condition=Available", From: from})
		}
		// Both fail closed: until cert-manager has filled in who they are, nothing of theirs can be applied.
		for _, webhook := range []string{"mutatingwebhookconfiguration." + admission + "/linkerd-proxy-injector-webhook-config",
			"validatingwebhookconfiguration." + admission + "/linkerd-policy-validator-webhook-config"} {
			step.Waits = append(step.Waits, ir.Wait{Object: webhook, For: "jsonpath={.webhooks[0].clientConfig.caBundle}", From: from})
		}
	case linkerdMulticluster:
		step.Prune = false // the kind Link is among its templates
		step.Waits = append(step.Waits, ir.Wait{Object: "customresourcedefinition.apiextensions.k8s.io/links.multicluster.linkerd.io", For: "condition=Established", From: step.Release.From})
	}
}

// linkerdSecrets are the Secrets that the control plane reads, and the root that proxies trust.
func (l *lowering) linkerdSecrets() {
	k := l.p.Linkerd
	if k == nil {
		return
	}
	ns, ca := l.p.Mesh.Namespace, l.p.Mesh.CA
	kind := l.p.Mesh.From.Of("kind")
	l.secret(ir.Secret{Namespace: ns, Name: linkerdWebhooks, Type: tlsType, Keys: []string{"tls.crt", "tls.key"}, Consumers: []string{"Issuer " + ns + "/" + linkerdWebhooks},
		Creator: ir.CertManager, Issuer: linkerdWebhooksRoot, Local: true, Early: true, From: kind,
		Why: "Authority that signs the certificates of the mesh's webhooks. Without it none of them is made."})
	for _, w := range k.Webhooks {
		l.secret(ir.Secret{Namespace: ns, Name: w.Secret, Type: tlsType, Keys: []string{"tls.crt", "tls.key"}, Consumers: []string{linkerdControl},
			Creator: ir.CertManager, Issuer: linkerdWebhooks, Local: true, Early: true, Object: w.Service, From: kind,
			Why: fmt.Sprintf("Certificate by which the API server knows the webhook %s. Without it the pod does not start.", w.Service)})
	}
	s := ir.Secret{Namespace: ns, Name: ca.IssuerSecret, Type: tlsType, Keys: []string{"ca.crt", "tls.crt", "tls.key"}, Consumers: []string{linkerdControl},
		From: slices.Concat(kind, ca.From),
		Why:  fmt.Sprintf("Intermediate that signs the proxies' certificates: ECDSA P-256, an authority, for the name %s, signed by the root in ConfigMap %s/%s. Without it the control plane does not start.", k.IssuedFor, ns, ca.AnchorConfigMap)}
	if ca.IssuerRef != "" {
		s.Creator, s.Issuer, s.Early = ir.CertManager, ca.IssuerRef, true
	}
	l.secret(s)
}
