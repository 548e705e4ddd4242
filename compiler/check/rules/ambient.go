package rules

import (
	"cmp"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// layer7 lists the fields of a service that a proxy can meet only when it sees requests.
func layer7(s *site.Service) []string {
	var out []string
	add := func(given bool, field string) {
		if given {
			out = append(out, field)
		}
	}
	for i, a := range s.Allow {
		add(len(a.Methods) > 0, "allow."+site.Index(i)+".methods")
		add(len(a.Paths) > 0, "allow."+site.Index(i)+".paths")
	}
	add(s.Timeout != "", "timeout")
	add(s.Retries != nil, "retries")
	add(len(s.Split) > 0, "split")
	add(s.OutlierDetection != nil, "outlierDetection")
	add(s.RateLimit != nil, "rateLimit")
	add(s.Fault != nil, "fault")
	add(s.JWT != nil, "jwt")
	return out
}

// intentName is what a finding calls a field of layer7.
func intentName(field string) string {
	if rest, ok := strings.CutPrefix(field, "allow."); ok {
		_, what, _ := strings.Cut(rest, ".")
		return "allow by " + what
	}
	return field
}

// layer7Row is the row of the matrix of capabilities that a field of layer7 is about.
func layer7Row(field string) string {
	if rest, ok := strings.CutPrefix(field, "allow."); ok {
		_, what, _ := strings.Cut(rest, ".")
		return "allow." + what
	}
	rows := map[string]string{
		"retries": "retries.attempts", "split": "split.weight", "outlierDetection": "outlierDetection.consecutive5xx",
		"rateLimit": "rateLimit.requestsPerSecond", "fault": "fault.delay",
	}
	return cmp.Or(rows[field], field)
}

// WaypointMissing finds intents about requests where nothing sees requests.
var WaypointMissing = &check.Rule{
	ID: "MG5110", Name: "layer7-without-waypoint", Severity: diag.Error, On: check.OnSite,
	Doc: `services of an ambient mesh declare what only a waypoint can do, and their namespace has none

ztunnel knows connections, not requests. Of a rule with methods or paths it makes a denial of everything: callers are
reset. Timeouts, retries, splits, limits and faults are ignored without a word.
Source: istio.io, ambient: use layer-7 features; ztunnel, layer-4 authorization policy.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "istio-ambient" {
			return
		}
		for nn, n := range byKey(p.Site.Namespaces) {
			if n.Waypoint || !n.Mesh {
				continue
			}
			var who []string
			var where []diag.Related
			for sn, s := range byKey(n.Services) {
				var names []string
				for _, f := range layer7(s) {
					where = append(where, diag.Related{Path: site.Join("namespaces", nn, "services", sn) + "." + f, Message: intentName(f) + " of " + sn})
					names = append(names, intentName(f))
				}
				if len(names) > 0 {
					who = append(who, sn+": "+strings.Join(names, ", "))
				}
			}
			if len(who) == 0 {
				continue
			}
			r := p.Reportf(site.Join("namespaces", nn, "waypoint"), "namespace %q has no waypoint, and its services declare what needs one (%s)", nn, some(who, "; ")).
				Hintf("namespaces: %s: waypoint: true", nn).Fix(site.Join("namespaces", nn, "waypoint"), "true", "write true")
			for _, f := range where[:min(len(where), shown)] {
				r.Related(f.Path, "%s", f.Message)
			}
		}
	},
}

// shown is how many of the same kind a finding names before it counts the rest.
const shown = 3

// some joins the first few of a list and counts the rest.
func some(list []string, sep string) string {
	if len(list) <= shown {
		return strings.Join(list, sep)
	}
	return strings.Join(list[:shown], sep) + sep + "and " + site.Index(len(list)-shown) + " more"
}

// WaypointUseless finds waypoints that nobody would pass.
var WaypointUseless = &check.Rule{
	ID: "MG5111", Name: "waypoint-useless", Severity: diag.Error, On: check.OnSite,
	Doc: `a namespace asks for a waypoint that the mesh cannot give it

Waypoints are the layer-7 proxies of istio-ambient. Under another mesh nothing makes one, and a namespace outside the
mesh sends nothing through it: whoever reads the site believes in a check that never happens.
Source: istio.io, ambient: configure waypoint proxies.`,
	Run: func(p *check.Pass) {
		for nn, n := range byKey(p.Site.Namespaces) {
			if !n.Waypoint {
				continue
			}
			at := site.Join("namespaces", nn)
			switch kind := p.Site.Mesh.Kind; {
			case kind != "istio-ambient":
				p.Reportf(at+".waypoint", "namespace %q asks for a waypoint, which mesh %s does not have", nn, kind).
					Related("mesh.kind", "the mesh").Hintf("leave waypoint out; what has it: istio-ambient").Fix(at+".waypoint", "false", "write false")
			case !n.Mesh:
				p.Reportf(at+".waypoint", "namespace %q asks for a waypoint and is outside the mesh", nn).Hintf("waypoint: false; or namespaces: %s: mesh: true", nn).
					Related(at+".mesh", "outside the mesh").Fix(at+".waypoint", "false", "write false")
			}
		}
	},
}

// WaypointSingle finds a waypoint whose only pod everything passes.
var WaypointSingle = &check.Rule{
	ID: "MG5112", Name: "waypoint-single", Severity: diag.Warning, On: check.OnSite,
	Doc: `in production each waypoint has one pod

All traffic to the services of a namespace passes its waypoint: while its only pod moves to another node, the namespace
answers nobody.
Source: istio.io, ambient: configure waypoint proxies; a Deployment of one replica is gone while it is drained.`,
	Run: func(p *check.Pass) {
		w := p.Site.Mesh.Waypoint
		if w == nil || w.Replicas != 1 || p.Site.Mesh.Kind != "istio-ambient" || p.Site.Environment != "production" {
			return
		}
		for nn, n := range byKey(p.Site.Namespaces) {
			if n.Waypoint {
				p.Reportf("mesh.waypoint.replicas", "each waypoint has 1 pod: a drained node stops all traffic to namespace %q", nn).
					Hintf("replicas: 2").Related(site.Join("namespaces", nn, "waypoint"), "has a waypoint").
					Fix("mesh.waypoint.replicas", "2", "write 2")
				return
			}
		}
	},
}

// ztunnelBytes is the memory that Istio's own chart gives a ztunnel, and ztunnelConnections what it says that is enough
// for (istio/istio 1.31.0 manifests/charts/ztunnel/values.yaml).
const (
	ztunnelBytes       = 512 << 20
	ztunnelConnections = 100_000
)

// ZtunnelMemory finds proxies of nodes that are too small for the connections of their pods.
var ZtunnelMemory = &check.Rule{
	ID: "MG5113", Name: "ztunnel-memory", Severity: diag.Warning, On: check.OnSite,
	Doc: `the memory limit of ztunnel is too small for the connections that a node is sized for

One ztunnel carries all connections of all pods of its node. When it is killed for its memory, all of them are reset at
once, and the next one starts into the same load.
Source: istio/istio 1.31.0 manifests/charts/ztunnel/values.yaml: 512Mi for about 100000 connections.`,
	Run: func(p *check.Pass) {
		s := p.Site
		r := s.Mesh.Proxy.Resources
		if s.Mesh.Kind != "istio-ambient" || r == nil || r.Memory == nil || r.Memory.Limit == "" {
			return
		}
		most, at := s.Capacity.PodsPerNode*s.Capacity.ConnectionsPerPod, "capacity"
		for cn, c := range byKey(s.NodeClasses) {
			if c.Capacity == nil {
				continue
			}
			pods, each := c.Capacity.PodsPerNode, c.Capacity.ConnectionsPerPod
			if pods == 0 {
				pods = s.Capacity.PodsPerNode
			}
			if each == 0 {
				each = s.Capacity.ConnectionsPerPod
			}
			if pods*each > most {
				most, at = pods*each, site.Join("nodeClasses", cn, "capacity")
			}
		}
		need := int64(min(most, 1<<31)) * ztunnelBytes / ztunnelConnections // within 64 bits
		if site.ParseQuantity(r.Memory.Limit) >= need {
			return
		}
		p.Reportf("mesh.proxy.resources.memory.limit", "ztunnel may use %s, and %d connections a node take about %dMi", r.Memory.Limit, most, need>>20).
			Hintf("limit: \"%dMi\"", need>>20+1).Related(at, "what a node is sized for")
	},
}
