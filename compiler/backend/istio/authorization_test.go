package istio

import (
	"net/netip"
	"slices"
	"strconv"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// request is what a proxy's policy sees.
type request struct {
	principal, address string // "" for a caller without a certificate
	port               int
	method, path, host string // "" for a connection that carries no HTTP
}

// The policies, read back and evaluated as Envoy does, admit the declared callers and nobody else.
func TestAuthorization(t *testing.T) {
	web, payer, next := "td.test/ns/shop/sa/web", "td.test/ns/pay/sa/payer", "td.test/ns/pay/sa/api-next"
	partner := "td.test/ns/gateway-partner/sa/gateway-partner"
	tests := []struct {
		name, namespace, policy string
		request                 request
		want                    bool
	}{
		{"declared caller", "pay", "api", request{principal: web, port: 8080, method: "POST", path: "/x", host: "api.pay"}, true},
		{"another identity", "pay", "api", request{principal: next, port: 8080, method: "GET", path: "/x", host: "api.pay"}, false},
		{"no certificate, strict", "pay", "api", request{address: "10.64.0.9", port: 8080, method: "GET", path: "/x"}, false},
		{"gateway, exposed path", "pay", "api", request{principal: partner, port: 8080, method: "GET", path: "/v1/x", host: "api.test:8443"}, true},
		{"gateway, other path", "pay", "api", request{principal: partner, port: 8080, method: "GET", path: "/v1beta", host: "api.test"}, false},
		{"gateway, other host", "pay", "api", request{principal: partner, port: 8080, method: "GET", path: "/v1", host: "evil.test"}, false},
		{"caller of the split's source", "pay", "api-next", request{principal: web, port: 8080, method: "GET", path: "/"}, true},
		{"TCP port", "pay", "store", request{principal: payer, port: 5432}, true},
		{"TCP port, caller held to a path", "pay", "store", request{principal: next, port: 5432}, false},
		{"allowed method and path", "pay", "store", request{principal: next, port: 9000, method: "GET", path: "/dump"}, true},
		{"other method", "pay", "store", request{principal: next, port: 9000, method: "POST", path: "/dump"}, false},
		{"container port, not the Service's", "shop", "web", request{principal: "td.test/ns/gateway-public/sa/gateway-public", port: 80, method: "GET", path: "/", host: "www.test"}, false},
		{"permissive, from a pod", "old", "inbox", request{address: "10.65.1.1", port: 8080, method: "GET", path: "/"}, true},
		{"permissive, from elsewhere", "old", "inbox", request{address: "192.0.2.1", port: 8080, method: "GET", path: "/"}, false},
		{"permissive, a certificate of somebody undeclared", "old", "inbox", request{principal: web, address: "10.65.1.1", port: 8080, method: "GET", path: "/"}, false},
		{"client of the partner gateway", "gateway-partner", "partner", request{address: "198.51.100.7", port: 8443, method: "GET", path: "/", host: "api.test:8443"}, true},
		{"client out of range", "gateway-partner", "partner", request{address: "198.51.100.200", port: 8443, method: "GET", path: "/", host: "api.test"}, false},
		{"redirect", "gateway-public", "public", request{address: "192.0.2.200", port: 80, method: "GET", path: "/", host: "www.test"}, true},
		{"a host that is not exposed", "gateway-public", "public", request{address: "192.0.2.200", port: 443, method: "GET", path: "/", host: "x.test"}, false},
	}
	all := readObjects(t, testPlan(ir.FrontendIstio))
	for _, tt := range tests {
		o := find(t, all, securityV1, "AuthorizationPolicy", tt.namespace, tt.policy)
		got := o != nil && slices.ContainsFunc(o.Spec.Rules, func(r authRule) bool { return r.admits(tt.request) })
		if got != tt.want {
			t.Errorf("%s: admitted %v, want %v", tt.name, got, tt.want)
		}
	}
	if deny := find(t, all, securityV1, "AuthorizationPolicy", "istio-system", "deny-by-default"); deny == nil || len(deny.Spec.Rules) > 0 {
		t.Errorf("no mesh-wide policy without rules: %+v", deny)
	}
}

func (r authRule) admits(q request) bool {
	from := len(r.From) == 0 || slices.ContainsFunc(r.From, func(f struct {
		Source struct{ Principals, NotPrincipals, IPBlocks []string }
	}) bool {
		s := f.Source
		return (len(s.Principals) == 0 || q.principal != "" && patternMatches(s.Principals, q.principal)) &&
			(len(s.NotPrincipals) == 0 || q.principal == "" || !patternMatches(s.NotPrincipals, q.principal)) &&
			(len(s.IPBlocks) == 0 || slices.ContainsFunc(s.IPBlocks, func(b string) bool {
				a, err := netip.ParseAddr(q.address)
				return err == nil && netip.MustParsePrefix(b).Contains(a)
			}))
	})
	to := slices.ContainsFunc(r.To, func(x struct {
		Operation struct{ Ports, Methods, Paths, Hosts []string }
	}) bool {
		op := x.Operation
		if q.method == "" && len(op.Methods)+len(op.Paths)+len(op.Hosts) > 0 {
			return false // conditions on requests void an ALLOW rule where there are only connections
		}
		return slices.Contains(op.Ports, strconv.Itoa(q.port)) && (len(op.Methods) == 0 || slices.Contains(op.Methods, q.method)) &&
			(len(op.Paths) == 0 || patternMatches(op.Paths, q.path)) && (len(op.Hosts) == 0 || patternMatches(op.Hosts, q.host))
	})
	return from && to
}
