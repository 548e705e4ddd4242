package documents

import (
	"bytes"
	"embed"
	"slices"
	"strings"
	"sync"
	"text/template"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

//go:embed templates/*.md
var templates embed.FS

// runbooks are the templates by the kind of mesh: the parts that are the same for all, and those of the mesh. Each is
// parsed when a site of its mesh is the first to be printed.
var runbooks = map[string]func() *template.Template{
	"cilium":        runbookFor("mesh_cilium.md", "mesh_cilium_ipsec.md", "mesh_cilium_ztunnel.md", "mesh_cilium_spire.md", "mesh_cilium_federation.md"),
	"consul":        runbookFor("mesh_consul.md", "mesh_consul_vault.md", "mesh_consul_federation.md", "mesh_consul_wan.md"),
	"istio-ambient": runbookFor("mesh_istio.md", "mesh_istio_spire.md", "mesh_ambient.md", "mesh_ambient_federation.md"),
	"istio-sidecar": runbookFor("mesh_istio.md", "mesh_istio_spire.md", "mesh_istio_federation.md"),
	"linkerd":       runbookFor("mesh_linkerd.md", "mesh_linkerd_federation.md", "mesh_linkerd_flat.md", "mesh_linkerd_migration.md"),
	"none":          runbookFor("mesh_none.md"),
}

func runbookFor(mesh ...string) func() *template.Template {
	return sync.OnceValue(func() *template.Template { return parseRunbook(mesh) })
}

func parseRunbook(mesh []string) *template.Template {
	t := template.New("runbook.md").Option("missingkey=error").
		Funcs(template.FuncMap{
			"join": func(in []string) string { return strings.Join(in, " ") }, "lower": strings.ToLower, "labels": ir.SelectorText,
			"inc":  func(i int) int { return i + 1 },
			"list": func(in ...string) []string { return in },
			"plainTextMetrics": func(p *ir.Plan) []string {
				if p.Mesh.ProxyPorts.Tunnel != 0 { // ztunnel counts connections alone
					return []string{"istio_tcp_connections_opened_total"}
				}
				return []string{"istio_requests_total", "istio_tcp_connections_opened_total"}
			},
			"migrate": func(b *book, m ir.Migration) migrating { return migrating{b, m} },
			"streams": func(in []ir.Gateway) bool {
				return slices.ContainsFunc(in, func(g ir.Gateway) bool { return g.Streams() })
			},
			"backwards": func(in []ir.Restart) []ir.Restart {
				out := slices.Clone(in)
				slices.Reverse(out)
				return out
			},
		})
	template.Must(t.ParseFS(templates, "templates/runbook.md", "templates/delivery.md", "templates/services.md", "templates/upgrade.md", "templates/egress.md", "templates/program.md", "templates/migration.md"))
	for _, m := range mesh { // what a later one defines again holds
		template.Must(t.ParseFS(templates, "templates/"+m))
	}
	return t
}

// book is what the template of the runbook shows. Commands that differ by kind of switch, listener or kube-proxy come
// whole; everything else is a name.
type book struct {
	withdrawal
	tree                                    *artifact.Tree
	P                                       *ir.Plan
	Mesh, LB, CNIAgent, Istiod              string
	Controls                                []control // control planes of Istio, the one that runs first
	Overlay                                 string
	Nodes, Edge                             []string // addresses
	FirstEdge, FirstSpeaker                 string
	Speakers                                []speaker
	Failover                                string
	Relied, Words, PhaseNames, Sources      string
	Groups                                  []group
	Talos                                   []group  // groups of machines that run Talos
	Hosts                                   []string // how machines are installed with their configuration
	Restart                                 string   // units that read files which are copied by hand
	Packages                                []installation
	Buckets                                 string // command that resizes the kernel's table of connections; "" where no file sizes it
	Playbook                                bool
	Switches                                []device
	Install, Upgrade                        string   // scripts; "" when the tree has none
	Racks                                   []string // groups of the inventory
	Argo, Flux, Monitors, NTS, NTPD, Issued bool
	Signed                                  bool     // cert-manager signs for workloads of Istio
	Meshed                                  []string // namespaces
	Webhooks                                []string // commands that bring the mesh's webhooks back
	Certificates                            []certificate
	Authorities                             []string
	AnyGateway                              ir.Gateway // for examples
	served
	carried
	kin
	Paths                         []vipPath
	Datapath, HealthChecks        []string
	FRR                           string   // component of the pods whose container frr speaks BGP; "" where none does
	Routed, Layer2, SessionStates bool     // addresses come by BGP, by layer 2; sessions have objects
	CalicoFirst, CalicoState      []string // commands, where Calico holds the sessions: past its API server, and of each node
	MetalLB                       bool
	OpenELB                       string      // label of a node that announces for OpenELB; "" for another load balancer
	Controller                    string      // whose log says why a Service is pending, as kubectl logs takes it
	Bootstrap                     []ir.Secret // passwords that only arrive over the sessions that wait for them
	Waypoints                     []string    // namespaces with a waypoint
	Ways                          []wayOut
	CiliumChart                   string // for helm, with its release; "" where meshgen does not install it
	AgentBack                     string // the command that brings the mesh's node agent back
	Renderer                      string // what a shell does first where the site patches Cilium's objects; "": nothing
}

// migrating is a namespace on its way to another mode of mutual TLS.
type migrating struct {
	*book
	M ir.Migration
}

// Callers are the namespaces whose pods may have to have a proxy before the last stage: its own, and those of callers.
func (m migrating) Callers() []string {
	out := []string{m.M.Namespace}
	for i := range m.P.Services {
		s := &m.P.Services[i]
		if s.Namespace != m.M.Namespace {
			continue
		}
		for _, c := range s.Callers {
			if c.OfMesh() {
				out = append(out, c.Namespace)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Last is whether its stage takes no pods of the mesh without a proxy any more.
func (m migrating) Last() bool { return m.M.Stage == m.M.Target }

type group struct{ Name, Ansible, Addresses string }

type speaker struct{ Name, Rack, Gateways, Addresses, Others string }

type device struct {
	File string
	Look []string
}

type certificate struct{ Address, Host, Namespace, Secret, Issuer string }

type vipPath struct {
	Address, Racks  string
	Gateway         ir.Gateway
	Layer2          bool
	Outside, Inside []string
}

// runbookFrom are the parts of the site that the runbook shows, as one text.
var runbookFrom = []string{
	"capacity", "changeBudget", "components", "delivery", "maintenance", "resilience", "fabric", "gateways", "kubernetes", "loadBalancer", "mesh", "namespaces", "nodeClasses",
	"observability", "owner", "pools", "racks", "secrets", "time", "external", "environment", "region",
}

func runbook(p *ir.Plan, t *artifact.Tree) {
	from := append(slices.Clone(runbookFrom), p.From...)
	if p.Registry != nil {
		from = append(from, p.Registry.From...)
	}
	if p.Federation != nil {
		from = append(from, "federation")
	}
	if len(waysOut(p)) > 0 {
		from = append(from, "egressGateways")
	}
	f := t.File(backend.DocsDir(p)+"/RUNBOOK.md", from...)
	f.Line("<!-- Generated by meshgen from site " + p.Name + "; do not edit. -->")
	var text bytes.Buffer
	if err := runbooks[p.Mesh.Kind]().Execute(&text, newBook(p, t)); err != nil {
		panic(err) // the template is a part of the program, and tests run all of it
	}
	f.Line(strings.TrimSpace(text.String()))
}

// Vault reports whether Vault signs for proxies of Consul.
func (b *book) Vault() bool {
	return b.P.Consul != nil && b.P.Consul.CA != nil && b.P.Consul.CA.Vault != nil
}

// OnMachines reports whether checks/run.sh has source addresses to look for on machines.
func (b *book) OnMachines() bool {
	return slices.ContainsFunc(b.Ways, func(w wayOut) bool { return w.Host })
}

// Addressed reports whether some address leads into the site.
func (b *book) Addressed() bool { return len(b.P.Gateways)+len(b.P.Exposures) > 0 }

// Announces reports whether nodes announce something that a node out of service must withdraw.
func (b *book) Announces() bool { return b.Addressed() || b.PodsRouted }

// Servers are those of Consul but for the first.
func (b *book) Servers() []struct{} { return make([]struct{}, b.P.Mesh.Replicas-1) }

// Has reports whether the site has objects of a phase, or a file of one.
func (b *book) Has(what string) bool {
	at := b.Overlay + "/" + what
	return slices.ContainsFunc(b.tree.Files(), func(f *artifact.File) bool { return f.Path() == at || strings.HasPrefix(f.Path(), at+"/") })
}

// Apply is the line that applies a phase, after the line before it; "" where the site has no objects of the phase.
func (b *book) Apply(phase string) string {
	if !b.Has(phase) {
		return ""
	}
	return "\nkubectl apply --server-side --force-conflicts -k " + b.Overlay + "/" + phase
}

func newBook(p *ir.Plan, t *artifact.Tree) *book {
	b := &book{
		tree: t, P: p, Mesh: p.Mesh.Namespace, LB: p.LoadBalancer.Namespace, Overlay: backend.OverlayDir(p),
		Argo: p.Delivery.Kind == ir.ArgoCD, Flux: p.Delivery.Kind == ir.Flux, Monitors: len(p.Watch.Monitors) > 0,
		Relied: relied(p), Words: words(p), Sources: sourcesOf(p),
		Speakers: speakers(p), Certificates: certificates(p), Paths: paths(p), Datapath: datapath(p), HealthChecks: healthChecks(p),
	}
	b.Controls, b.Ways = controls(p), waysOut(p)
	b.Istiod = b.Controls[0].Deployment
	for _, n := range p.Nodes {
		b.Nodes = append(b.Nodes, n.Addresses[0].String())
		if n.Speaker {
			b.Edge = append(b.Edge, n.Addresses[0].String())
		}
	}
	b.FirstSpeaker, b.FirstEdge = "NODE", "NODE"
	if len(b.Speakers) > 0 {
		b.FirstSpeaker, b.FirstEdge = b.Speakers[0].Name, b.Edge[0]
	}
	b.Failover = failover(p)
	b.CalicoFirst, b.CalicoState = calicoFirst(p), calicoState(p)
	b.Routed, b.Layer2 = len(p.LoadBalancer.Peerings) > 0, hasLayer2(p)
	b.FRR, b.SessionStates = frrPods(p), p.LoadBalancer.Backend == "frr-k8s"
	b.MetalLB, b.Controller, b.Bootstrap = p.LoadBalancer.Kind == "metallb", controllers[p.LoadBalancer.Kind], bootstrap(p)
	if p.OpenELB != nil {
		b.OpenELB = p.OpenELB.RackLabel
	}
	b.Signed = p.Mesh.CA != nil && p.Mesh.CA.Signer != nil
	b.withdrawal = withdrawalOf(p)
	b.hosts(p)
	for _, g := range p.Groups {
		if rack := inventoryGroup("rack", g.Rack); !slices.Contains(b.Racks, rack) {
			b.Racks = append(b.Racks, rack)
		}
		b.NTPD = b.NTPD || g.Time.Daemon == "ntpd"
		b.NTS = b.NTS || slices.ContainsFunc(g.Time.Sources, func(s ir.TimeSource) bool { return s.NTS })
	}
	for _, n := range p.Namespaces {
		if n.Meshed && n.Purpose == "services" {
			b.Meshed = append(b.Meshed, n.Name)
			if n.Waypoint {
				b.Waypoints = append(b.Waypoints, n.Name)
			}
		}
	}
	for _, r := range p.Releases {
		switch {
		case r.Component == "cilium":
			b.Renderer = b.renderer(&r, "")
			b.CiliumChart = r.HelmChart() + " --version " + b.versionThere(&r) + b.kept(&r) + b.postRenderer(&r)
		case r.Name == "istio-cni" || r.Name == "linkerd2-cni":
			b.CNIAgent, b.AgentBack = r.Namespace, b.bringBack(&r)
		case r.Name == "istio-base" || r.Chart == "istiod" || r.Name == "linkerd-control-plane" || r.Component == "consul" && p.Consul != nil:
			if line := b.bringBack(&r); !slices.Contains(b.Webhooks, line) { // of two in one phase
				b.Webhooks = append(b.Webhooks, line)
			}
		}
	}
	b.served, b.carried, b.kin = servedOf(p), carriedOf(p), kinOf(p)
	b.AnyGateway = ir.Gateway{Namespace: "NAMESPACE", Release: "DEPLOYMENT"}
	for i, g := range p.Gateways {
		if i == 0 {
			b.AnyGateway = g
		}
		for _, l := range g.Listeners {
			if l.TLS != nil && l.TLS.ClientCA != "" {
				b.Authorities = append(b.Authorities, g.Namespace+"/"+l.TLS.ClientCA)
			}
		}
	}
	slices.Sort(b.Racks)
	b.Issued = slices.ContainsFunc(p.Secrets, func(s ir.Secret) bool { return s.Creator == ir.CertManager })
	b.fromTree(t)
	return b
}

// inventoryGroup is the name of a group in the inventory: Ansible takes letters, digits and "_".
func inventoryGroup(kind, name string) string {
	return kind + "_" + strings.NewReplacer("-", "_", ".", "_").Replace(name)
}

// fromTree adds what the tree has: files of switches, and the script.
func (b *book) fromTree(t *artifact.Tree) {
	script := "charts/" + b.P.Name + "/install.sh"
	if t.Lookup(script) != nil {
		b.Install = script
	}
	b.Upgrade = "charts/" + b.P.Name + "/upgrade.sh"
	for i := range b.P.Switches {
		s := &b.P.Switches[i]
		for _, ext := range []string{"conf", "eos", "nxos", "sonic"} {
			if t.Lookup("fabric/"+b.P.Name+"/"+s.Hostname+"."+ext) != nil {
				b.Switches = append(b.Switches, device{File: s.Hostname + "." + ext, Look: summaries(s)})
			}
		}
	}
	var names []string
	for _, ph := range b.P.Delivery.Phases {
		names = append(names, ph.Name)
	}
	b.PhaseNames = strings.Join(names, ", ")
}
