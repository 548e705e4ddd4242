package compiler

import "testing"

// policyBreaks are mistakes in emitted objects that each let somebody in, or keep somebody out; the first column is
// what would be wrong in the cluster.
var policyBreaks = []struct {
	wrong string
	mutant
}{
	{"payments/api has no policy: its callers are refused", mutant{"istio", "fra1", "**/40-policy/authorizationpolicy.yaml", `(?s)---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: api\n  namespace: payments\n.*?\n---`, "---"}},
	{"any identity may call ledger/core", mutant{"istio", "fra1", "**/40-policy/authorizationpolicy.yaml", `fra1.example.net/ns/payments/sa/payments-api`, `"*"`}},
	{"the accounts of a whole namespace may call ledger/core", mutant{"istio", "fra1", "**/40-policy/authorizationpolicy.yaml", `fra1.example.net/ns/payments/sa/payments-api`, `fra1.example.net/ns/payments/sa/*`}},
	{"callers are known by another trust domain", mutant{"istio", "fra1", "charts/*/istiod*/values.yaml", `trustDomain: fra1.example.net`, `trustDomain: fra2.example.net`}},
	{"a policy of callers refuses them", mutant{"istio", "fra1", "**/40-policy/authorizationpolicy.yaml", `action: ALLOW`, `action: DENY`}},
	{"what no policy allows is allowed", mutant{"istio", "fra1", "**/45-enforcement/authorizationpolicy.yaml", `spec: \{\}`, "spec:\n  rules:\n    - {}"}},
	{"callers without a certificate are told apart by nothing", mutant{"istio", "fra1", "**/40-policy/authorizationpolicy.yaml", `notPrincipals:\n +- "\*"\n +`, ""}},
	{"the mesh takes callers without a certificate", mutant{"istio", "fra1", "**/45-enforcement/peerauthentication.yaml", `STRICT`, `PERMISSIVE`}},
	{"payments is permissive and legacy is not", mutant{"istio", "fra1", "**/40-policy/peerauthentication.yaml", `namespace: legacy`, `namespace: payments`}},
	{"the pods of payments get no proxy", mutant{"namespaces", "fra1", "**/namespace.yaml", `(?s)(name: payments\n.*?)istio.io/rev: "1-31-1"`, `${1}istio-injection: disabled`}},
	{"nobody reaches ledger/core", mutant{"networkpolicy", "fra1", "**/networkpolicy.yaml", `(?s)(name: service-core\n.*?)  ingress:.*?  egress:`, `$1  egress:`}},
	{"every pod of payments reaches ledger/core", mutant{"networkpolicy", "fra1", "**/networkpolicy.yaml", `(?s)(name: service-core\n.*?ingress:.*?name: payments\n) +podSelector:\n +matchLabels:\n[^\n]*\n`, `$1`}},
	{"plant/poller is not held to what it calls", mutant{"networkpolicy", "fra1", "**/networkpolicy.yaml", `(?s)(name: service-poller\n.*?  egress:\n)`, "$1    - {}\n"}},
	{"whoever is not in the partner's ranges can connect", mutant{"networkpolicy", "fra1", "**/networkpolicy.yaml", `cidr: 192.0.2.0/24`, `cidr: 0.0.0.0/0`}},
	{"the partner's gateway takes any address", mutant{"istio", "fra1", "**/30-gateways/authorizationpolicy.yaml", `- 192.0.2.0/24`, `- 0.0.0.0/0`}},
	{"partners need no certificate", mutant{"istio", "fra1", "**/30-gateways/gateway.yaml", `mode: MUTUAL`, `mode: SIMPLE`}},
	{"port 80 serves instead of redirecting", mutant{"istio", "fra1", "**/30-gateways/gateway.yaml", `httpsRedirect: true`, `httpsRedirect: false`}},
	{"the route of /v1 takes /v1beta", mutant{"istio", "fra1", "**/30-gateways/virtualservice.yaml", `prefix: /v1/`, `prefix: /v1`}},
	{"the policy of /v1 takes /v1beta", mutant{"istio", "fra1", "**/40-policy/authorizationpolicy.yaml", `- /v1/\*`, `- /v1*`}},
	{"the policy of /v1 refuses /v1 itself", mutant{"istio", "fra1", "**/40-policy/authorizationpolicy.yaml", ` +- /v1\n`, ``}},
	{"a stranger's host leads to payments/api", mutant{"istio", "fra1", "**/40-policy/authorizationpolicy.yaml", `hosts:\n +- partners.example.com\n +- partners.example.com:\*`, "hosts:\n              - \"*\""}},
	{"callers never get to the canary", mutant{"istio", "fra1", "**/40-policy/virtualservice.yaml", `host: api-canary.payments`, `host: api.payments`}},
	{"partners never get to the canary", mutant{"istio", "fra1", "**/30-gateways/virtualservice.yaml", `weight: 10`, `weight: 0`}},
	{"the route goes to a port that is not there", mutant{"istio", "fra1", "**/30-gateways/virtualservice.yaml", `number: 8080`, `number: 8081`}},
	{"web does not know legacy/inbox", mutant{"istio", "fra1", "**/40-policy/sidecar.yaml", ` +- legacy/inbox\S+\n`, ``}},
	{"web knows every service of ledger", mutant{"istio", "fra1", "**/40-policy/sidecar.yaml", `- legacy/inbox\S+`, "- legacy/inbox.legacy.svc.cluster.local\n        - ledger/*"}},
	{"the sidecars of payments let everything out", mutant{"istio", "fra1", "**/40-policy/sidecar.yaml", `(?s)(namespace: payments\n.*?mode: )REGISTRY_ONLY`, `${1}ALLOW_ANY`}},
	{"the oracle cannot be reached", mutant{"istio", "fra1", "**/40-policy/serviceentry.yaml", `number: 1521`, `number: 1522`}},
	{"names cannot be asked for over TCP", mutant{"istio", "fra1", "**/40-policy/sidecar.yaml", ` +- kube-system/kube-dns\S+\n`, ``}},
	{"a namespace is cut off from the control plane", mutant{"networkpolicy", "fra1", "**/networkpolicy.yaml", `port: 15012`, `port: 15010`}},
	{"an exact path takes what is below it", mutant{"istio", "muc1", "**/30-gateways/httproute.yaml", `type: Exact`, `type: PathPrefix`}},
	{"the gateway refuses the routes of shop", mutant{"istio", "muc1", "**/30-gateways/gateway.yaml", `- shop\n`, "- stock\n"}},
	{"clients never get to the next cart", mutant{"istio", "muc1", "**/30-gateways/httproute.yaml", `(?s)type: PathPrefix(.*?)weight: 20`, `type: PathPrefix${1}weight: 0`}},
	{"shop/web may send to stock/api what it likes", mutant{"istio", "muc1", "**/40-policy/authorizationpolicy.yaml", ` +methods:\n +- GET\n +- HEAD\n`, ``}},
	{"the policy is at another Gateway", mutant{"istio", "muc1", "**/30-gateways/authorizationpolicy.yaml", `kind: Gateway\n      name: public`, "kind: Gateway\n      name: private"}},
	{"requests pass the waypoint by", mutant{"namespaces", "krk1", "**/namespace.yaml", `(?s)(name: shop\n.*?)istio.io/use-waypoint: waypoint`, `${1}istio.io/use-waypoint: none`}},
	{"clients of the gateway pass the waypoint by", mutant{"namespaces", "krk1", "**/namespace.yaml", `(?s)(name: shop\n.*?)istio.io/ingress-use-waypoint: "true"`, `${1}istio.io/ingress-use-waypoint: "false"`}},
	{"the pods of ledger are not captured", mutant{"namespaces", "krk1", "**/namespace.yaml", `(?s)(name: ledger\n.*?)dataplane-mode: ambient`, `${1}dataplane-mode: none`}},
	{"any identity goes round the waypoint of stock", mutant{"istio-ambient", "krk1", "**/40-policy/authorizationpolicy.yaml", `- krk1.example.net/ns/stock/sa/waypoint`, `- krk1.example.net/ns/*`}},
	{"the waypoint is refused by the pods of shop", mutant{"istio-ambient", "krk1", "**/40-policy/authorizationpolicy.yaml", `- krk1.example.net/ns/shop/sa/waypoint`, `- krk1.example.net/ns/shop/sa/way`}},
	{"the waypoint of shop admits container ports", mutant{"istio-ambient", "krk1", "**/40-policy/authorizationpolicy.yaml", `(?s)(name: web-requests\n.*?)- "80"`, `${1}- "8080"`}},
	{"shop/web may send to stock/api what it likes, past the gateway", mutant{"istio-ambient", "krk1", "**/40-policy/authorizationpolicy.yaml", ` +methods:\n +- GET\n +- HEAD\n`, ``}},
	{"a waypoint admits what no policy allows", mutant{"istio-ambient", "krk1", "**/45-enforcement/authorizationpolicy.yaml", `name: istio-waypoint`, `name: istio-waypoints`}},
	{"ztunnel admits what no policy allows", mutant{"istio-ambient", "krk1", "**/45-enforcement/authorizationpolicy.yaml", `spec: \{\}`, "spec:\n  rules:\n    - {}"}},
	{"the mesh takes pods that are not captured", mutant{"istio-ambient", "krk1", "**/45-enforcement/peerauthentication.yaml", `STRICT`, `PERMISSIVE`}},
	{"nobody gets to the next cart", mutant{"istio-ambient", "krk1", "**/40-policy/httproute.yaml", `weight: 20`, `weight: 0`}},
	{"callers do not reach the waypoint of stock", mutant{"networkpolicy", "krk1", "**/networkpolicy.yaml", `(?s)(name: waypoint\n  namespace: stock\n.*?)port: 15008`, `${1}port: 15009`}},
	{"stock/api takes what it likes from shop/web", mutant{"cilium-mesh", "wro1", "**/40-policy/ciliumnetworkpolicy.yaml", `(?s)(name: service-api\n.*?)          rules:\n            http:.*?(?:---)`, "${1}---"}},
	{"pods of any account pass for reports/month", mutant{"cilium-mesh", "bts1", "**/40-policy/ciliumnetworkpolicy.yaml", ` +k8s:io.cilium.k8s.policy.serviceaccount: month\n`, ``}},
	{"agents shake hands with nobody", mutant{"cilium", "bgy1", "charts/*/cilium/values.yaml", `(authentication:\n +enabled: )true`, `${1}false`}},
	{"the gateway must prove who it is, and cannot", mutant{"cilium-mesh", "bgy1", "**/40-policy/ciliumnetworkpolicy.yaml", `(fromEntities:\n +- ingress\n)`, "${1}      authentication:\n        mode: required\n"}},
	{"nothing takes pods of reports to ztunnel", mutant{"namespaces", "bts1", "**/namespace.yaml", `(?s)(name: reports\n.*?) +io.cilium/mtls-enabled: "true"\n`, `${1}`}},
	{"a NetworkPolicy opens what requests are held to", mutant{"networkpolicy", "wro1", "**/networkpolicy.yaml", `(?s)(namespace: stock.*?policyTypes:\n.*?- Egress\n)`, "${1}  ingress:\n    - {}\n"}},
	{"pods of any account pass for plant/poller", mutant{"cilium-mesh", "wro1", "**/40-policy/ciliumnetworkpolicy.yaml", ` +k8s:io.cilium.k8s.policy.serviceaccount: poller\n`, ``}},
	{"the route of /cart takes /cartbeta", mutant{"cilium-mesh", "wro1", "**/40-policy/ciliumnetworkpolicy.yaml", `path: /cart\(\S+`, `path: /cart.*`}},
	{"names have no addresses", mutant{"cilium-mesh", "wro1", "**/40-policy/ciliumnetworkpolicy.yaml", `matchPattern: "\*"`, `matchPattern: "*.svc.cluster.local"`}},
	{"nobody outside is a client of the gateway", mutant{"cilium-mesh", "wro1", "**/40-policy/ciliumclusterwidenetworkpolicy.yaml", `- world`, `- ingress`}},
	{"what is asked for prices has no end", mutant{"cilium-mesh", "wro1", "**/ciliumenvoyconfig.yaml", `service_name: shop/prices`, `service_name: shop/cart`}},
	{"nobody gets to the next cart of wro1", mutant{"cilium-mesh", "wro1", "**/40-policy/httproute.yaml", `weight: 20`, `weight: 0`}},
	{"another service goes to the ledger", mutant{"istio-ambient", "ost1", "**/40-policy/authorizationpolicy.yaml", `(?s)(name: ledger-203-0-113-45\n  action.*?sa/)books`, `${1}pay`}},
	{"everybody goes to the ledger", mutant{"istio-ambient", "ost1", "**/40-policy/authorizationpolicy.yaml", `(?s)(name: ledger-203-0-113-45\n  action.*?sa/)books`, `${1}*`}},
	{"the ledger is reached straight", mutant{"istio-ambient", "ost1", "**/40-policy/serviceentry.yaml", `(?s)(name: ledger-203-0-113-45.*?use-waypoint: )egress-bank`, `${1}none`}},
	{"what is for the ledger ends elsewhere", mutant{"istio-ambient", "ost1", "**/40-policy/serviceentry.yaml", `address: 203.0.113.45`, `address: 203.0.113.46`}},
	{"the waypoint on the way out is closed", mutant{"networkpolicy", "ost1", "**/networkpolicy.yaml", `(?s)(name: egress-bank\n  namespace: egress-bank\n.*?port: )15008`, `${1}15009`}},
	{"the tunnel of ledger is closed", mutant{"networkpolicy", "krk1", "**/networkpolicy.yaml", `(?s)(name: service-core\n.*?)port: 15008`, `${1}port: 8080`}},
}

// TestPolicyNotices breaks the emitted objects; the oracle's answers must then differ from what the site declares.
func TestPolicyNotices(t *testing.T) {
	asked := map[string]*inquiry{}
	for _, name := range exampleNames(t) {
		asked[name] = newInquiry(t, name)
	}
	noticed := 0
	for _, b := range policyBreaks {
		q := *asked[b.example]
		tree, ok := mutate(q.tree, b.mutant)
		if !ok {
			t.Errorf("%s: nothing in %s of %s matches %s", b.wrong, b.file, b.example, b.old)
			continue
		}
		if err := q.read(tree); err != nil {
			t.Errorf("%s: %v", b.wrong, err)
			continue
		}
		q.brief, q.wrong = true, nil
		if q.ask(); len(q.wrong) == 0 {
			t.Errorf("not noticed: %s", b.wrong)
			continue
		}
		noticed++
	}
	t.Logf("%d of %d mistakes noticed", noticed, len(policyBreaks))
}
