package istio

import (
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// Which route a request takes, read back: the first one that matches, in a gateway and in a sidecar.
func TestRoutes(t *testing.T) {
	gateway, sidecar := [3]string{"pay", "partner-api.test"}, [3]string{"pay", "api"}
	tests := []struct {
		name         string
		object       [3]string
		method, path string
		attempts     int // -1: no route
	}{
		{"idempotent", gateway, "GET", "/v1/x", 2},
		{"idempotent, exact path", gateway, "HEAD", "/v1/status", 2},
		{"not idempotent", gateway, "POST", "/v1/x", 0},
		{"whole segments", gateway, "GET", "/v1beta", -1},
		{"sidecar, idempotent", sidecar, "GET", "/anything", 2},
		{"sidecar, not idempotent", sidecar, "POST", "/anything", 0},
	}
	all := readObjects(t, testPlan(ir.FrontendIstio))
	for _, tt := range tests {
		o := find(t, all, networkingV1, "VirtualService", tt.object[0], tt.object[1])
		if o == nil {
			t.Fatalf("no VirtualService %v", tt.object)
		}
		r := o.route(tt.method, tt.path)
		switch {
		case r == nil && tt.attempts >= 0:
			t.Errorf("%s: no route", tt.name)
		case r == nil:
		case r.Retries == nil || r.Retries.Attempts != tt.attempts:
			t.Errorf("%s: retries %+v, want %d attempts", tt.name, r.Retries, tt.attempts)
		case r.Timeout != "5s" || len(r.Route) != 2 || r.Route[0].Weight+r.Route[1].Weight != 100:
			t.Errorf("%s: timeout %q, shares %+v", tt.name, r.Timeout, r.Route)
		}
	}
}

func (o *object) route(method, path string) *httpRoute {
	for i := range o.Spec.HTTP {
		r := &o.Spec.HTTP[i]
		if len(r.Match) == 0 {
			return r
		}
		for _, m := range r.Match {
			uri := len(m.URI) == 0
			for k, v := range m.URI {
				uri = routeMatches([][2]string{{k, v}}, path)
			}
			methods := len(m.Method) == 0 || m.Method["exact"] == method || slices.Contains(strings.Split(m.Method["regex"], "|"), method)
			if uri && methods {
				return r
			}
		}
	}
	return nil
}

// A longer path is tried before a shorter one, whichever service declares it.
func TestRouteOrder(t *testing.T) {
	p := testPlan(ir.FrontendIstio)
	web, api := &p.Services[5], &p.Services[1]
	api.Namespace, api.Split, api.Retries = web.Namespace, nil, nil
	api.Exposes = []ir.Expose{expose("public", "https", "www.test", ir.Path{Value: "/api"}, *api)}
	o := find(t, readObjects(t, p), networkingV1, "VirtualService", "shop", "public-www.test")
	for path, want := range map[string]string{"/": web.Host, "/api": api.Host, "/api/x": api.Host, "/apix": web.Host} {
		if r := o.route("GET", path); r == nil || r.Route[0].Destination.Host != want {
			t.Errorf("%s goes to %+v, want %s", path, r, want)
		}
	}
}

// Routes of one host on different listeners are told apart by port; one that is passed through goes by server name.
func TestRouteListeners(t *testing.T) {
	p := testPlan(ir.FrontendIstio)
	g := &p.Gateways[1]
	g.Listeners = append(g.Listeners,
		ir.Listener{Name: "admin", Port: 9443, Protocol: "https", TLS: &ir.TLS{Mode: "terminate", Secret: "s"}, Hosts: g.Listeners[1].Hosts},
		ir.Listener{Name: "broker", Port: 8883, Protocol: "tls", TLS: &ir.TLS{Mode: "passthrough"}, Hosts: []ir.ListenerHost{{Host: "mq.test", Namespaces: []string{"shop"}}}})
	web := &p.Services[5]
	web.Exposes = append(web.Exposes, expose("public", "admin", "www.test", ir.Path{Value: "/admin"}, *web), expose("public", "broker", "mq.test", ir.Path{Value: "/"}, *web))
	all := readObjects(t, p)
	o := find(t, all, networkingV1, "VirtualService", "shop", "public-www.test")
	if got := []int{o.Spec.HTTP[0].Match[0].Port, o.Spec.HTTP[1].Match[0].Port}; !slices.Equal(got, []int{9443, 443}) {
		t.Errorf("ports %v", got)
	}
	mq := find(t, all, networkingV1, "VirtualService", "shop", "public-mq.test")
	if mq == nil || len(mq.Spec.TLS) != 1 || len(mq.Spec.HTTP) > 0 {
		t.Errorf("pass-through: %+v", mq)
	}
	policy := find(t, all, securityV1, "AuthorizationPolicy", "gateway-public", "public")
	last := policy.Spec.Rules[len(policy.Spec.Rules)-1]
	if len(last.To[0].Operation.Hosts) > 0 || len(last.When) != 1 || last.When[0].Values[0] != "mq.test" {
		t.Errorf("policy of a pass-through listener asks for more than connections have: %+v", last)
	}
}

// A share of a TCP service is a share of connections.
func TestSplitTCP(t *testing.T) {
	p := testPlan(ir.FrontendIstio)
	store := &p.Services[3]
	store.Split = []ir.Weighted{{Host: "a", Weight: 50}, {Host: "b", Weight: 50}}
	o := find(t, readObjects(t, p), networkingV1, "VirtualService", "pay", "store")
	if o == nil || len(o.Spec.TCP) != 1 || len(o.Spec.TCP[0].Route) != 2 || o.Spec.TCP[0].Route[1].Destination.Port.Number != 5432 {
		t.Errorf("%+v", o)
	}
}
