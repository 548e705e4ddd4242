package lower

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Names that the chart gives with global.name "consul" (hashicorp/consul-k8s v2.0.3, charts/consul/templates).
const (
	consulName         = "consul"
	consulCNINamespace = "consul-cni" // of the agent that chains the plug-in, which writes to folders of the host
	consulServers      = "consul-server"
	consulInjector     = "consul-connect-injector"
	consulGroup        = "consul.hashicorp.com"
)

// consulOffset is added to listeners' ports below 1024 in the pods of a gateway. Without it the controller gives them
// rights that the level restricted refuses (control-plane/api-gateway/gatekeeper/dataplane.go: privilege escalation).
const consulOffset = 8000

// consul is Consul with a proxy in each pod, redirected to by the CNI plug-in: an init container that does it needs
// NET_ADMIN and root, which Pod Security refuses below the level privileged.
var consul = meshKind{
	inject:       injectConsul,
	out:          outOfConsul,
	namespaces:   consulNamespaces,
	releases:     consulReleases,
	gateway:      consulGateway,
	step:         consulStep,
	upgrade:      consulUpgrade,
	certificates: consulCertificates,
	pushes:       consulPushes,
	metrics:      consulMetrics,
	monitors:     consulMonitors,
	machines:     machineCatalog,
	crossing:     &consulCrossing,
	wayOut:       &wayOut{providers: []string{"host"}},
}

// consulInjected is on the namespaces that the injector's webhook is called for. The chart goes by pods' annotations
// alone; the namespaceSelector of its webhook is a value, and default: true takes every pod behind it.
var consulInjected = ir.KV{Key: consulGroup + "/connect-inject", Value: "true"}

func injectConsul(_ *lowering, n *ir.Namespace) {
	if n.Purpose == "services" && n.Meshed {
		n.InjectLabels = []ir.KV{consulInjected}
		n.From = append(n.From, "mesh.kind")
	}
}

// outOfConsul: the webhook is called for namespaces where the label says true. It stays, with another value, so that it holds
// also where who delivers owns it.
func outOfConsul(n *ir.Namespace) {
	n.InjectLabels = append(without(n.InjectLabels, consulInjected.Key), ir.KV{Key: consulInjected.Key, Value: "false"})
}

func consulNamespaces(l *lowering) []ownNamespace {
	return []ownNamespace{
		{l.p.Mesh.Namespace, "baseline"},   // the servers' containers say nothing of seccomp
		{consulCNINamespace, "privileged"}, // folders of the host
	}
}

func consulReleases(l *lowering) []ir.Release {
	m := l.p.Mesh
	c := l.meshProfile().Release(m.Version).Charts
	return []ir.Release{{Name: consulName, Component: "consul", Chart: c.Control, Repository: c.Repository, Version: m.Version,
		Namespace: m.Namespace, From: under("mesh", "kind", "version")}}
}

// consulGateway: the controller calls Deployment, account and its own Service as the Gateway is, and makes that Service
// anew at every change, from type, ports and selector alone: the addresses are those of a Service of ours.
func consulGateway(l *lowering, g *ir.Gateway) {
	if l.p.CrossesSites(g) {
		consulMeshGateway(l, g)
		return
	}
	g.Release, g.ServiceAccount, g.OwnService = g.Name, g.Name, g.Name+"-public"
	g.APIClass = consulName + "-" + g.Name
	// Events of a Gateway without it are filtered out: it would be looked at when something else changes (control-plane/
	// api-gateway/controllers/gateway_controller.go, gwPredicate; read 2026-11-21).
	g.Labels = append(g.Labels, ir.KV{Key: "component", Value: "api-gateway"})
	// The chain of a route is entered behind the router of the service that it leads to, at its splitter (hashicorp/consul
	// agent/consul/discoverychain/gateway.go, targetForResolverNode; read 2026-11-21): splits are the mesh's, all else the route's.
	g.ByService, g.RouteFilters = true, consulGroup
	const labels = "gateway." + consulGroup
	g.Selector = []ir.KV{{Key: labels + "/managed", Value: "true"}, {Key: labels + "/name", Value: g.Name}, {Key: labels + "/namespace", Value: g.Namespace}}
	// What the pods have is set by the controller: no settings of the kernel, and a preference for different nodes.
	g.PodSysctls, g.SpreadKey = nil, hostLabel
}

// consulStep adds what differs from other charts. The webhooks fail closed, for every object of Consul's as well; the
// injector fills in who they are.
func consulStep(l *lowering, step *ir.ChartStep) {
	if step.Release.Name != consulName {
		return
	}
	const admission = "admissionregistration.k8s.io"
	m := l.p.Mesh
	from := m.From.Of("kind")
	step.Prune = false // the CRDs are its templates
	for _, kind := range []string{"serviceintentions", "servicedefaults", "gatewayclassconfigs"} {
		step.Waits = append(step.Waits, ir.Wait{Object: "customresourcedefinition.apiextensions.k8s.io/" + kind + "." + consulGroup, For: "condition=Established", From: from})
	}
	step.Waits = append(step.Waits,
		ir.Wait{Namespace: m.Namespace, Object: "deployment.apps/" + consulInjector, For: "condition=Available", From: from},
		ir.Wait{Object: "mutatingwebhookconfiguration." + admission + "/" + consulInjector, For: "jsonpath={.webhooks[0].clientConfig.caBundle}", From: from})
	step.Rewritten = []ir.Rewritten{{Group: admission, Kind: "MutatingWebhookConfiguration", Name: consulInjector, Fields: []string{".webhooks[]?.clientConfig.caBundle"}, From: from}}
}

// consulPushes watch the injector, and whether proxies are connected to a server.
func consulPushes(l *lowering) []ir.Rule {
	m := &l.p.Mesh
	from := m.From.Of("kind")
	servers := fmt.Sprintf(`kube_statefulset_status_replicas_ready{namespace="%s",statefulset="%s"}`, m.Namespace, consulServers)
	quorum := m.Replicas/2 + 1
	size := slices.Concat(m.From.Of("replicas"), from)
	return append(append(slices.Concat(l.consulWayAlerts(), consulPlainText(l)), []ir.Rule{
		{Alert: "ConsulServersMissing", Severity: warning, For: "15m", From: size,
			Expr: fmt.Sprintf("%s < %d", servers, m.Replicas), Summary: "Fewer servers of Consul than planned are ready.",
			Description: fmt.Sprintf("Planned: %d of StatefulSet %s/%s; a quorum is %d.", m.Replicas, m.Namespace, consulServers, quorum)},
		{Alert: "ConsulQuorumLost", Severity: critical, For: "2m", From: size,
			Expr: fmt.Sprintf("%s < %d", servers, quorum), Summary: "The servers of Consul have no quorum.",
			Description: "Nothing is signed, registered or changed; proxies go on with what they know until their certificates end."},
		{Alert: "ProxyDisconnected", Severity: warning, For: "15m", From: from,
			Expr: "envoy_control_plane_connected_state == 0", Summary: "The proxy of {{ $labels.namespace }}/{{ $labels.pod }} gets no configuration.",
			Description: "It goes on with what it knows, and its certificate is not renewed."},
	}...), replicas("MeshInjector", "the mesh's injector", m.Namespace, consulInjector, consulInjectors, nil, from,
		"Without any no pod starts in a meshed namespace, and no object of Consul can be changed.")...)
}

func consulMetrics(l *lowering) []needed {
	from := l.p.Mesh.From.Of("kind")
	var out []needed
	for _, r := range consulCertificates(l) {
		out = append(out, needed{"envoy_server_days_until_first_cert_expiring", "the proxies of the mesh", r.From})
	}
	return append(out, needed{"kube_statefulset_status_replicas_ready", "kube-state-metrics", from})
}

// consulMonitors: the name of the port is that of the injector and of the gateways' controller. Gateways of the chart have
// a name for one port alone, that of the tunnels (hashicorp/consul-k8s v2.0.3 charts/consul/templates/mesh-gateway-deployment.yaml
// and terminating-gateways-deployment.yaml, read 2026-11-21).
func consulMonitors(l *lowering) []ir.Monitor {
	namespaces, from := l.scraped()
	m := &l.p.Mesh
	out := []ir.Monitor{{Kind: "PodMonitor", Name: watchName + "-proxies", Namespaces: namespaces, Ports: []string{"prometheus"}, Path: "/metrics", NodeLabel: true,
		Reason: "Each pod that has a proxy, and gateways.", Why: "metrics/proxies", From: slices.Concat(m.From.Of("kind"), from)}}
	if l.p.Federation != nil || len(l.p.Consul.Ways) > 0 {
		out = append(out, ir.Monitor{Kind: "PodMonitor", Name: watchName + "-gateways", Namespaces: []string{m.Namespace}, Selector: []ir.KV{{Key: "app", Value: consulName}},
			Ports: []string{"gateway"}, Dial: m.ProxyPorts.EnvoyMetrics, Path: "/metrics", NodeLabel: true,
			Reason: "The chart's own gateways, to other sites and out of the mesh. Their port of metrics has no name.",
			From:   slices.Concat(m.From.Of("kind"), ir.From{"federation", "external", "egressGateways"})})
	}
	return out
}

// consulSecrets are those that the chart reads. Left to itself it makes them by jobs, anew in each cluster.
func (l *lowering) consulSecrets() {
	c := l.p.Consul
	if c == nil {
		return
	}
	add := func(name, kind string, keys []string, why string) {
		from := c.From
		if c.WAN != nil {
			from = slices.Concat(c.From, c.WAN.From)
		}
		l.secret(ir.Secret{Namespace: l.p.Mesh.Namespace, Name: name, Type: kind, Keys: keys, Consumers: []string{"chart consul"}, From: from, Why: why})
	}
	add(c.GossipSecret, opaque, []string{"key"}, l.consulShared("Key of the servers' gossip: 32 random bytes in base64, as consul keygen prints. Without it the servers do not start."))
	add(c.CASecret, opaque, []string{"tls.crt"}, l.consulShared("Certificate of the authority that signs the servers' certificate. Proxies and injector know the servers by it."))
	names := fmt.Sprintf("server.%s.%s, ", c.Datacenter, c.Domain)
	if c.WAN != nil { // servers of other datacenters ask for each one by its node
		names += "*." + names
	}
	add(c.ServerSecret, tlsType, []string{"tls.crt", "tls.key"}, fmt.Sprintf(
		"Certificate of the servers, for the names %slocalhost, %s, *.%s, *.%s.%s.svc and the address 127.0.0.1, usages server and client.",
		names, consulServers, consulServers, consulServers, l.p.Mesh.Namespace))
	if c.WAN != nil && c.WAN.Secondary {
		return // the primary has the first token
	}
	add(c.TokenSecret, opaque, []string{"token"}, "First token of the access lists, a UUID: whoever has it may change everything. Read by the job that sets them up.")
}
