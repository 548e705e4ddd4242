// Package consul prints Consul: the values of its chart, what each service speaks and who may call it, what becomes of
// requests, and what its API gateway needs besides the Gateway API.
//
// In comes an *ir.Plan. Out go, where the mesh is Consul, charts/<site>/consul/values.yaml and those of
// an upgrade's first server; in phase 30-gateways for each
// gateway a GatewayClass, the GatewayClassConfig with the places of its pods, and the Service that has its addresses; in
// 30-gateways besides, where the site has peers, how each becomes one and a Service for what is called there; in
// phase 40-policy ProxyDefaults, Mesh, for each service ServiceDefaults, ServiceIntentions, ServiceRouter and
// ServiceSplitter, and for what leaves the mesh TerminatingGateway with ServiceDefaults and ServiceIntentions of its own;
// in phase 45-enforcement the intention that refuses whom no other one admits. Beside the phases, for an incident, the objects
// by which the mesh refuses nobody, and for each stage of a namespace's way to mutual TLS its ServiceDefaults.
//
// Facts about Consul in comments were read in hashicorp/consul-k8s v2.0.3.
package consul

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend prints Consul, and nothing for another mesh.
var Backend = backend.Backend{
	Name: "consul",
	Kind: "mesh",
	Doc:  "chart values, intentions, routes and gateways of Consul",
	Emit: emit,
}

const apiVersion = "consul.hashicorp.com/v1alpha1"

// emitter writes one plan.
type emitter struct {
	p *ir.Plan
	k *ir.Consul
	t *artifact.Tree
}

func emit(p *ir.Plan, t *artifact.Tree) {
	if p.Consul == nil {
		return
	}
	e := &emitter{p, p.Consul, t}
	e.values()
	e.gateways()
	e.mesh()
	e.breakGlass()
	e.migrationStages()
	e.upgrade()
	e.peering()
	e.aliases()
	e.ways()
	for i := range e.k.Services {
		e.service(&e.k.Services[i])
	}
}

// add writes one object with a specification.
func (e *emitter) add(phase backend.Phase, kind, namespace, name string, from ir.From, spec func(y *artifact.YAML)) {
	e.annotated(phase, kind, namespace, name, nil, from, spec)
}

func (e *emitter) annotated(phase backend.Phase, kind, namespace, name string, notes []ir.KV, from ir.From, spec func(y *artifact.YAML)) {
	backend.NewWriter(e.p, e.t, phase, kind).Add(backend.Meta{APIVersion: apiVersion, Namespace: namespace, Name: name, Annotations: notes, From: from},
		func(y *artifact.YAML) { y.Map("spec", func() { spec(y) }) })
}

// mesh writes what holds for all proxies.
func (e *emitter) mesh() {
	m := &e.p.Mesh
	if !e.secondary() {
		e.proxyDefaults(backend.Policy, "", append(e.k.From, m.AccessLogsFrom...))
		phase := backend.Policy
		if len(e.k.Peers) > 0 { // before the token of a peering is made, which holds the addresses that this decides on
			phase = backend.Mesh
		}
		e.meshEntry(phase, e.k.Permissive, e.forAll(m.From.Of("egressPolicy")))
	}
	e.defaultIntention(backend.Enforcement, "deny", "The access lists refuse by default already; this holds whatever becomes of them.", e.k.From)
}

// defaultIntention writes what becomes of callers that no other intention names.
func (e *emitter) defaultIntention(phase backend.Phase, action, why string, from ir.From) {
	var notes []ir.KV
	if w := e.k.WAN; w != nil { // every datacenter has the same one
		from = append(from, w.From...)
		if !w.Secondary {
			notes = owns
		}
	}
	e.annotated(phase, "ServiceIntentions", e.p.Mesh.Namespace, "default-deny", notes, from, func(y *artifact.YAML) {
		y.Comment(why)
		y.Map("destination", func() { y.KV("name", "*") })
		y.Seq("sources", func() {
			y.Item(func() {
				y.KV("name", "*")
				y.KV("action", action)
			})
		})
	})
}

// proxyDefaults writes what proxies do where nothing else is said of a service; mode "" is that they take no plain text.
func (e *emitter) proxyDefaults(phase backend.Phase, mode string, from ir.From) {
	m := &e.p.Mesh
	e.add(phase, "ProxyDefaults", m.Namespace, "global", from, func(y *artifact.YAML) {
		y.Map("config", func() {
			y.Comment("What a service speaks stands in its ServiceDefaults; to one without them nobody may look in.")
			y.KV("protocol", "tcp")
			y.Comment("Callers' proxies know how long a request may take; left out, that of the service would end it after 15 s.")
			y.KV("local_request_timeout_ms", 0)
			e.tracing(y)
		})
		if mode != "" {
			y.KV("mutualTLSMode", mode)
		}
		if w := e.k.WAN; w != nil {
			y.From("", w.From...)
			y.Comment("Pods of another datacenter are reached by its gateway alone.")
			y.Map("meshGateway", func() { y.KV("mode", "remote") })
			y.Fixed()
		}
		y.From("", m.AccessLogsFrom...)
		y.Map("accessLogs", func() { y.KV("enabled", m.AccessLogs == "all") })
		y.Fixed()
	})
}

// meshEntry writes what the servers allow the mesh.
func (e *emitter) meshEntry(phase backend.Phase, permissive bool, from ir.From) {
	m := &e.p.Mesh
	e.add(phase, "Mesh", m.Namespace, "mesh", from, func(y *artifact.YAML) {
		y.Map("transparentProxy", func() {
			y.Comment("Whether what is no service of the mesh is refused, or sent on as it is.")
			y.KV("meshDestinationsOnly", m.RegistryOnly)
		})
		if permissive {
			y.From("", "namespaces", "mesh.mtls")
			y.Comment("ServiceDefaults of some may take plain text.")
			y.KV("allowEnablingPermissiveMutualTLS", true)
			y.Fixed()
		}
		if len(e.k.Peers) > 0 {
			y.From("", "federation")
			y.Comment("Servers of the sites speak by way of these, too: theirs need no address outside.")
			y.Map("peering", func() { y.KV("peerThroughMeshGateways", true) })
		}
	})
}
