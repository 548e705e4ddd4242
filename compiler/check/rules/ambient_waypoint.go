package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// waypoints yields the services whose namespace has a waypoint.
func waypoints(p *check.Pass, visit func(s placed)) {
	if p.Site.Mesh.Kind != "istio-ambient" {
		return
	}
	for s := range services(p.Site) {
		if n := p.Site.Namespaces[s.namespace]; n.Waypoint && n.Mesh {
			visit(s)
		}
	}
}

// WaypointHeadless finds intents about requests that no waypoint sees.
var WaypointHeadless = &check.Rule{
	ID: "MG5230", Name: "waypoint-headless", Severity: diag.Error, On: check.OnSite,
	Doc: `a headless service declares what only a waypoint can do

Clients of a headless Service dial its pods, and a waypoint stands before the addresses of Services alone. What the
service declares is met by nobody, and callers that are held to methods or paths are refused altogether.
Source: istio/istio 1.31.0 pilot/pkg/serviceregistry/ambient/waypoints.go, traffic type "service".`,
	Run: func(p *check.Pass) {
		waypoints(p, func(s placed) {
			fields := layer7(s.Service)
			if !s.Headless || len(fields) == 0 {
				return
			}
			r := p.Reportf(s.path+".headless", "%s is headless, so that its requests do not pass the waypoint of %s, and it declares what needs one (%s)", s.full(), s.namespace, some(names(fields), ", ")).
				Hintf("headless: false, or leave out what needs the waypoint")
			for _, f := range fields[:min(len(fields), shown)] {
				r.Related(s.path+"."+f, "needs a waypoint")
			}
		})
	},
}

func names(fields []string) []string {
	var out []string
	for _, f := range fields {
		out = append(out, intentName(f))
	}
	return out
}

// WaypointName finds a service that has the name of its waypoint.
var WaypointName = &check.Rule{
	ID: "MG5231", Name: "waypoint-name-taken", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service, or its account, is called like the waypoint of its namespace

istiod makes a Deployment, a Service and a ServiceAccount of the name "waypoint". A service of that name would be
replaced by it; pods with that account would be taken for the waypoint, which all pods of the namespace admit.
Source: istio/istio 1.31.0 pilot/pkg/config/kube/gatewaycommon/classinfo.go.`,
	Run: func(p *check.Pass) {
		waypoints(p, func(s placed) {
			switch {
			case s.ServiceAccount == "waypoint":
				p.Reportf(s.path+".serviceAccount", "%s runs as ServiceAccount \"waypoint\", which is the waypoint's: its pods would pass for it", s.full()).
					Hintf("another account").Related(site.Join("namespaces", s.namespace, "waypoint"), "has a waypoint")
			case s.name == "waypoint":
				p.Reportf(s.path, "service %s has the name of the namespace's waypoint", s.full()).
					Hintf("another name").Related(site.Join("namespaces", s.namespace, "waypoint"), "has a waypoint")
			}
		})
	},
}

// WaypointPassedBy finds callers that would have to be held to requests and do not pass the waypoint.
var WaypointPassedBy = &check.Rule{
	ID: "MG5232", Name: "waypoint-passed-by", Severity: diag.Error, On: check.OnSite,
	Doc: `a caller outside the mesh is to be held to requests, and does not pass the waypoint

A pod outside the mesh connects to the pods of a service directly. ztunnel could admit it to the port as a whole, and
not to methods, paths or tokens: meshgen refuses it altogether.
Source: istio.io, ambient: waypoints; istio/istio 1.31.0 pilot/pkg/serviceregistry/ambient/authorization.go.`,
	Run: func(p *check.Pass) {
		waypoints(p, func(s placed) {
			for i, a := range s.Allow {
				if len(a.Methods)+len(a.Paths) == 0 && s.JWT == nil {
					continue
				}
				for k, from := range a.From {
					ns, _, _ := strings.Cut(from, "/")
					if n := p.Site.Namespaces[ns]; n == nil || n.Mesh {
						continue
					}
					p.Reportf(s.path+".allow."+site.Index(i)+".from."+site.Index(k), "%s is outside the mesh and reaches %s past its waypoint: it cannot be held to requests, and is refused", from, s.full()).
						Hintf("take namespace %s into the mesh, or admit it without methods, paths and tokens", ns).
						Related(site.Join("namespaces", ns, "mesh"), "outside the mesh")
				}
			}
		})
	},
}

// EgressByName finds destinations outside that nobody compares with a connection.
var EgressByName = &check.Rule{
	ID: "MG5233", Name: "ambient-egress-by-name", Severity: diag.Warning, On: check.OnSite,
	Doc: `under an ambient mesh a destination outside is known by its names alone

ztunnel sends on what it does not know, whatever the mesh's egress policy: there is no list of hosts that it would hold
a pod to. What bounds a pod is the network policy, and without addresses that is every address outside the cluster on
the destination's ports.
Source: istio.io, ambient: ztunnel traffic redirection; outboundTrafficPolicy is read by Envoy's proxies alone.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "istio-ambient" || p.Site.Mesh.EgressPolicy != "registry-only" {
			return
		}
		for name, e := range byKey(p.Site.External) {
			if len(e.Addresses) > 0 {
				continue
			}
			var users []string
			for s := range services(p.Site) {
				if slices.Contains(s.Egress, name) && p.Site.Namespaces[s.namespace].Mesh {
					users = append(users, s.full())
				}
			}
			if len(users) > 0 {
				p.Reportf(site.Join("external", name), "external %q has names alone, which ztunnel holds nobody to: %s may reach any address outside on its ports", name, some(users, ", ")).
					Hintf("addresses: [...]")
			}
		}
	},
}
