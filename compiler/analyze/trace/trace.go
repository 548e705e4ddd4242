// Package trace follows one request through a site, from client to pod, and names for each hop the line of output that
// decides it.
//
// In: an *ir.Plan, which says who should be where, and the *artifact.Tree of it. Out: a Trace of hops. Each is decided
// by what the tree says and by nothing else: the filters of the switches, both ends of the sessions, the labels of the
// nodes, the objects of the load balancer, and, by way of the oracle of package policy, the objects of the mesh. All
// reads the whole matrix of callers and services, and of hosts and paths.
//
// Where a hop has several equals (switches of a pair, nodes that announce) each is asked, and one of them has to pass.
package trace

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// Stages of the way from the fabric to a pod; the others are the layers of package policy.
const (
	Balancer    = "balancer" // machine in front of the cluster
	Spine       = "spine"    // what it takes of its ToRs
	Uplink      = "ToR to spine"
	Filter      = "ToR filter"  // what a ToR takes of nodes
	Session     = "session"     // one end of it
	Node        = "node"        // that announces
	Pool        = "pool"        // of addresses, at the load balancer
	Address     = "address"     // of the gateway's Service
	Placement   = "placement"   // of the gateway's pods
	Certificate = "certificate" // of a listener
	Pod         = "pod"         // behind the Service
)

// Hop is the decision of one place on the way.
type Hop struct {
	Stage string // a constant of this package, or a policy.Layer
	At    string // whose decision it is: a switch, a node, "namespace/name"
	Pass  bool
	Why   string
	File  string  // in the tree; "" where a default decides
	Line  int     // of File, from 1
	Text  string  // that line
	From  ir.From // site paths behind the line, or behind the plan where no line decides
}

// Question is what is asked.
type Question struct {
	From   string // "namespace/name" of a service, "gateway:name"; "" for a client outside
	To     string // "namespace/name" of a service; with From "" the host name
	Port   uint16 // of the Service, or of the listener
	Method string // "" where the port does not speak HTTP
	Path   string
	Client netip.Addr // outside
}

func (q Question) String() string {
	from := cmp.Or(q.From, "client "+q.Client.String())
	if q.Method == "" {
		return fmt.Sprintf("%s to %s:%d", from, q.To, q.Port)
	}
	return fmt.Sprintf("%s to %s:%d %s %s", from, q.To, q.Port, q.Method, q.Path)
}

// Trace is the answer.
type Trace struct {
	Question
	Gateway string // that a client outside comes in by
	Open    bool
	Hops    []Hop // in the order of the way, up to the first that stops the request
	Ends    []policy.Lead
}

// Refused returns the hops that do not pass. Of an open trace these are equals of others that do.
func (t *Trace) Refused() []Hop {
	var out []Hop
	for _, h := range t.Hops {
		if !h.Pass {
			out = append(out, h)
		}
	}
	return out
}

// Tracer answers questions about one site.
type Tracer struct {
	plan  *ir.Plan
	tree  *artifact.Tree
	world policy.World
	model *policy.Model

	// What was looked at before.
	texts    map[string][]string // lines of files
	phases   map[string][]object
	machines map[string]object // Nodes by name; nil: not looked at
	switches map[string]string // files by host name; nil: not looked at
	rules    map[string]filters
}

// New reads a tree. The error names what of it the oracle does not understand.
func New(p *ir.Plan, t *artifact.Tree) (*Tracer, error) {
	w := World(p)
	m, err := policy.Read(t, w)
	if err != nil {
		return nil, err
	}
	return &Tracer{plan: p, tree: t, world: w, model: m, texts: map[string][]string{}, phases: map[string][]object{}, rules: map[string]filters{}}, nil
}

// Inside follows a request of a service, or of a gateway's pods, to a service, or to a declared destination outside.
func (t *Tracer) Inside(q Question) (*Trace, error) {
	caller, err := t.workload(q.From)
	if err != nil {
		return nil, err
	}
	if e := t.external(q.To); e != nil {
		return t.leaving(q, caller, e), nil
	}
	callee, err := t.workload(q.To)
	if err != nil {
		return nil, err
	}
	if q, err = complete(q, callee); err != nil {
		return nil, err
	}
	return t.inside(q, caller, callee), nil
}

func (t *Tracer) inside(q Question, caller, callee *policy.Workload) *Trace {
	out := &Trace{Question: q}
	v := t.model.Reach(policy.Caller{Workload: caller}, policy.Target{Namespace: callee.Namespace, Name: callee.Name}, t.request(q, callee))
	t.take(out, v)
	return out
}

// request is a question in the words of the oracle. Where the service asks for a token, the caller brings one.
func (t *Tracer) request(q Question, callee *policy.Workload) policy.Request {
	r := policy.Request{Port: q.Port, Method: q.Method, Path: q.Path}
	for _, p := range callee.Ports {
		r.UDP = r.UDP || p.Port == q.Port && p.Protocol == "udp"
	}
	r.Token = t.token(callee)
	return r
}

func (t *Tracer) token(callee *policy.Workload) *policy.Token {
	s := t.service(callee.Namespace, callee.Name)
	if s == nil || s.JWT == nil {
		return nil
	}
	return &policy.Token{Issuer: s.JWT.Issuer, Audience: slices.Concat(s.JWT.Audiences, []string{"any"})[0]}
}

// take adds the steps of a verdict up to the first that refuses, and, of what is open, the pods that it leads to.
func (t *Tracer) take(out *Trace, v policy.Verdict) {
	out.Open, out.Ends = v.Allowed, v.Leads
	for _, s := range v.Steps {
		if s.Layer == policy.Tokens && s.Effect == policy.Silent {
			continue
		}
		h := t.at(Hop{Stage: string(s.Layer), At: s.At, Pass: s.Effect != policy.Refuse, Why: s.Why, File: s.Object.File, Line: s.Object.Line})
		if s.Object.Kind != "" {
			h.Why = s.Object.Kind + " " + s.Object.Namespace + "/" + s.Object.Name + ": " + h.Why
		}
		out.Hops = append(out.Hops, h)
		if !h.Pass {
			return
		}
		if s.Layer == policy.Listener && out.Gateway != "" {
			if c, ok := t.certificate(out, s); ok {
				if out.Hops = append(out.Hops, c); !c.Pass {
					out.Open = false
					return
				}
			}
		}
	}
	for _, l := range v.Leads {
		if l.Weight > 0 {
			out.Hops = append(out.Hops, t.pod(l))
		}
	}
}

// pod is the workload behind a Service, which meshgen does not make.
func (t *Tracer) pod(l policy.Lead) Hop {
	h := Hop{Stage: Pod, At: l.Namespace + "/" + l.Name, Pass: true, Why: fmt.Sprintf("port %d, share %d", l.Port, l.Weight)}
	if s := t.service(l.Namespace, l.Name); s != nil {
		h.From = s.From
		for _, p := range s.Ports {
			if p.Port == l.Port {
				h.Why, h.From = fmt.Sprintf("pods with %s take it at port %d, share %d", pairs(s.Labels), p.TargetPort, l.Weight), p.From
			}
		}
	}
	return h
}

func pairs(list []ir.KV) string {
	var out []string
	for _, kv := range list {
		out = append(out, kv.Key+"="+kv.Value)
	}
	return strings.Join(out, ",")
}

// at gives a hop the text and the site paths of its line.
func (t *Tracer) at(h Hop) Hop {
	lines := t.lines(h.File)
	if h.Line < 1 || h.Line > len(lines) {
		return h
	}
	h.Text = strings.TrimSpace(lines[h.Line-1])
	if o, ok := t.tree.Lookup(h.File).Origin(h.Line); ok {
		h.From = o.Paths
	}
	return h
}

// lines returns the lines of a file, none for one that the tree has not.
func (t *Tracer) lines(name string) []string {
	if got, ok := t.texts[name]; ok || name == "" {
		return got
	}
	var out []string
	if f := t.tree.Lookup(name); f != nil {
		for l := range bytes.Lines(f.Bytes()) {
			out = append(out, strings.TrimRight(string(l), "\n"))
		}
	}
	t.texts[name] = out
	return out
}

func (t *Tracer) service(namespace, name string) *ir.Service {
	for i := range t.plan.Services {
		if s := &t.plan.Services[i]; s.Namespace == namespace && s.Name == name {
			return s
		}
	}
	return nil
}
