package lower

import (
	"cmp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// gatewayAPISource publishes the CRDs of the Gateway API: a manifest a channel with each release, and the same as a
// kustomization in the repository: config/crd for the standard channel, config/crd/experimental for the other (both read
// at v1.5.1 and v1.6.1).
const gatewayAPISource = "https://github.com/kubernetes-sigs/gateway-api"

// delivery decides the order of installation. What a phase needs, an earlier one brings.
func (l *lowering) delivery() {
	d := l.s.Delivery
	l.p.Delivery = ir.Delivery{
		Kind: d.Kind, Repository: d.Repository, Revision: d.Revision, Path: d.Path,
		Reference: reference(d.Revision), Secret: d.RepositorySecret,
		Bundle: l.bundle(),
		From:   under("delivery", "kind", "repository", "revision", "path", "repositorySecret"),
	}
	network, balancer, mesh, gateways := l.chartSteps()
	if len(network) > 0 {
		l.bundleFirst()
		// Before anything: what others bring runs in pods, too.
		l.p.Delivery.Phases = []ir.DeliveryPhase{{Name: "network", Number: -2, Doc: "the pod network", Charts: network, From: ir.From{"components.cni.managed"}}}
	}
	l.p.Delivery.Phases = append(l.p.Delivery.Phases, []ir.DeliveryPhase{
		{Name: "crds", Number: -1, Doc: "kinds of objects that no chart brings"},
		{Name: "nodes", Number: 0, Doc: "labels and taints of the nodes, configuration of kube-proxy", ByHand: true},
	}...)
	if e := l.p.CalicoEgress; e != nil {
		// Never pruned: a policy must not go before the annotation that names it, and a gateway not before its users.
		l.p.Delivery.Phases = append(l.p.Delivery.Phases, ir.DeliveryPhase{
			Name: "egress", Number: 3, Doc: "ways out, before a namespace names one", Waits: l.calicoWaits(), From: e.From})
	}
	l.p.Delivery.Phases = append(l.p.Delivery.Phases, []ir.DeliveryPhase{
		// Deleting a namespace deletes all that stands in it, whoever made it.
		{Name: "namespaces", Number: 5, Doc: "namespaces"},
		{Name: "secrets", Number: 7, Doc: "Secrets that must be there before their readers", Waits: l.externalSecrets(), Prune: true},
	}...)
	if l.p.HostPods != nil {
		l.p.Delivery.Phases = append(l.p.Delivery.Phases, ir.DeliveryPhase{
			Name: "hosts", Number: 8, Doc: "kernel, time and kubelet files of the machines", Prune: true, From: ir.From{"delivery.hosts"}})
	}
	l.p.Delivery.Phases = append(l.p.Delivery.Phases, []ir.DeliveryPhase{
		{Name: "load-balancer", Number: 10, Doc: "the load balancer, its pools and its BGP sessions", Charts: balancer, Prune: true},
		{Name: "mesh", Number: 20, Doc: "the control plane, and what holds in the whole mesh", Charts: mesh, Waits: append(l.waypointWaits(), l.peeringWaits()...), Prune: true},
		{Name: "gateways", Number: 30, Doc: "the ways in, their certificates and routes", Charts: gateways, Waits: l.gatewayWaits(), Anew: l.gatewaysAnew(), Prune: true},
		{Name: "policy", Number: 40, Doc: "what each namespace and service needs and admits", Waits: l.consulWayWaits(), Prune: true},
		{Name: "enforcement", Number: 45, Doc: "what refuses all that no earlier phase admits", Prune: true},
		{Name: "observability", Number: 50, Doc: "what is scraped, and alerts", Prune: true},
	}...)
}

// reference names a revision as Git does. A short name is a branch; what is meant for a tag is written in full.
func reference(revision string) string {
	if strings.HasPrefix(revision, "refs/") {
		return revision
	}
	return "refs/heads/" + revision
}

// repositorySecret is what Flux shows to the server of the repository. Flux brings all the rest, so that nothing in the
// cluster can make it: somebody brings it by hand.
func (l *lowering) repositorySecret() {
	d := l.s.Delivery
	if d.Kind != ir.Flux || d.RepositorySecret == "" {
		return
	}
	s := ir.Secret{
		Namespace: ir.FluxNamespace, Name: d.RepositorySecret, Type: basicAuth, Keys: []string{"username", "password"}, Creator: ir.ByHand,
		Consumers: []string{"GitRepository " + ir.FluxNamespace + "/" + ir.FluxName},
		Why:       "What Flux shows to the server of the repository. Without it nothing of the site is delivered, and what runs stays as it is.",
		From:      under("delivery", "kind", "repository", "repositorySecret"),
	}
	if strings.HasPrefix(d.Repository, "ssh://") {
		s.Type, s.Keys = opaque, []string{"identity", "known_hosts"}
	}
	l.secret(s)
}

// pointers are JSON pointers to the top-level fields that jq paths lead into.
func pointers(fields []string) []string {
	var out []string
	for _, f := range fields {
		name := strings.TrimPrefix(f, ".")
		if end := strings.IndexAny(name, ".["); end >= 0 {
			name = name[:end]
		}
		if !slices.Contains(out, "/"+name) {
			out = append(out, "/"+name)
		}
	}
	return out
}

func (l *lowering) bundle() *ir.Bundle {
	api := l.p.Cluster.GatewayAPI
	if api.Version == "" {
		return nil
	}
	b := &ir.Bundle{
		Phase: "crds", Version: api.Version, Channel: api.Channel,
		Manifest: gatewayAPISource + "/releases/download/v" + api.Version + "/" + api.Channel + "-install.yaml",
		Source:   gatewayAPISource + ".git", Revision: "v" + api.Version, Path: "config/crd",
		From: api.From,
	}
	if l.s.Registry != nil {
		b.From = append(b.From[:len(b.From):len(b.From)], "airGapped")
	}
	if l.s.AirGapped {
		here := "mirror/gateway-api-v" + api.Version + "-" + api.Channel + "-install.yaml"
		l.copyOf("manifest", b.Manifest, here, "v"+api.Version)
		b.Manifest = here
	}
	if api.Channel == "experimental" {
		b.Path += "/experimental"
	}
	for _, kind := range []string{"gatewayclasses", "gateways", "httproutes"} { // in both channels
		b.CRDs = append(b.CRDs, kind+".gateway.networking.k8s.io")
	}
	return b
}

// bundleFirst moves the kinds before the pod network whose operator serves them: it looks for them once, as it starts, and
// without them it serves no Gateway and no route until its next start (1.20.2, operator/pkg/gateway-api/cell.go,
// discoverCRDsWithRetry; read 2026-11-21).
func (l *lowering) bundleFirst() {
	if b := l.p.Delivery.Bundle; b != nil && l.ciliumMeshed() {
		b.Phase = "network"
		b.From = slices.Concat(b.From, l.p.Mesh.From.Of("kind"), l.p.Cluster.CNI.From.Of("managed"))
	}
}

// chartSteps sorts the releases into phases. Charts of the mesh follow one another; gateways follow all of them, and
// the load balancer, without which their Services get no address and are never ready.
func (l *lowering) chartSteps() (network, balancer, mesh, gateways []ir.ChartStep) {
	for _, r := range l.p.Releases {
		step := ir.ChartStep{Release: r, Prune: true}
		switch {
		case r.Component == podNetwork:
			step.Waits = l.ciliumWaits()
			step.Later = l.ciliumLater()
			network = append(network, step)
		case r.Component == l.p.LoadBalancer.Kind:
			step.Needs = releasesOf(network)
			step.Prune = false // its CRDs are among its templates
			l.openELBStep(&step)
			balancer = append(balancer, step)
		case l.p.Program != nil && r.Component == l.p.Program.Kind:
			step.Needs = slices.Concat(releasesOf(balancer), releasesOf(mesh[max(len(mesh)-1, 0):]), releasesOf(gateways))
			step.Wave, step.Prune = len(gateways), r.SkipCRDs
			gateways = append(gateways, step)
		case r.Gateway != "" || r.Egress != "":
			step.Needs = slices.Concat(releasesOf(balancer), releasesOf(mesh[max(len(mesh)-1, 0):]))
			gateways = append(gateways, step)
		default:
			step.Needs = releasesOf(network)
			if step.Wave = len(mesh); step.Wave > 0 {
				step.Needs = releasesOf(mesh[step.Wave-1:])
			}
			l.meshKind().step(l, &step)
			for i, w := range step.Rewritten {
				step.Rewritten[i].Pointers = pointers(w.Fields)
			}
			mesh = append(mesh, step)
		}
	}
	return network, balancer, mesh, gateways
}

func releasesOf(steps []ir.ChartStep) []ir.Release {
	var out []ir.Release
	for _, s := range steps {
		out = append(out, s.Release)
	}
	return out
}

// externalSecrets are the Secrets that a store fills, and what the mesh starts from.
func (l *lowering) externalSecrets() []ir.Wait {
	var out []ir.Wait
	for _, s := range l.p.Secrets {
		switch {
		case s.Late:
		case s.Creator == ir.ExternalSecrets:
			out = append(out, ir.Wait{Namespace: s.Namespace, Object: "externalsecret.external-secrets.io/" + s.Name, For: "condition=Ready", From: s.From})
		case s.Creator == ir.CertManager && s.Early:
			out = append(out, certificateWait(&s))
		}
	}
	if ca := l.p.Mesh.CA; l.p.Linkerd != nil || ca != nil && ca.Signer != nil {
		out = append(out, ir.Wait{Namespace: l.p.Mesh.Namespace, Object: "configmap/" + ca.AnchorConfigMap, For: "jsonpath={.data." + strings.ReplaceAll(ir.AnchorKey, ".", `\.`) + "}", From: ca.From})
	}
	return out
}

// gatewayWaits are the Gateways that istiod makes pods for, and the certificates that an issuer signs.
func (l *lowering) gatewayWaits() []ir.Wait {
	var out []ir.Wait
	for _, g := range l.p.Gateways {
		if g.Frontend == "gateway-api" {
			out = append(out, ir.Wait{Namespace: g.Namespace, Object: "gateway.gateway.networking.k8s.io/" + g.Name, For: "condition=Programmed",
				From: slices.Clone(g.From.Of("frontend"))})
		}
	}
	out = append(out, l.egressWaits()...)
	for _, s := range l.p.Secrets {
		if s.Creator == ir.CertManager && !s.Early {
			out = append(out, certificateWait(&s))
		}
	}
	return out
}

func certificateWait(s *ir.Secret) ir.Wait {
	return ir.Wait{Namespace: s.Namespace, Object: "certificate.cert-manager.io/" + cmp.Or(s.Object, s.Name), For: "condition=Ready", From: s.From}
}
