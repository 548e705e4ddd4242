package compiler

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// The answers of the API are objects in its form; status.state of an EgressGateway is what tigera/operator writes
// (pkg/controller/egressgateway, read 2026-11-21).

// podsOut are running pods of an egress gateway as kubectl prints them; each is "name node address".
func podsOut(t *testing.T, namespace, label, value string, pods ...string) string {
	t.Helper()
	type object = map[string]any
	items := []any{}
	for _, p := range pods {
		w := strings.Fields(p)
		items = append(items, object{"metadata": object{"namespace": namespace, "name": w[0], "labels": object{label: value}},
			"spec":   object{"nodeName": w[1], "containers": []any{object{"name": "x"}}},
			"status": object{"podIPs": []any{object{"ip": w[2]}}, "conditions": []any{object{"type": "Ready", "status": "True"}}}})
	}
	text, err := json.Marshal(object{"items": items})
	if err != nil {
		t.Fatal(err)
	}
	return prints("'get pods --namespace "+namespace+" '*", string(text))
}

// kubectlOut is a kubectl that gives these answers, knows these nodes by their host name, and of everything else has nothing.
func kubectlOut(t *testing.T, cases string, nodes ...string) []string {
	t.Helper()
	var items []string
	for _, n := range nodes {
		items = append(items, `{"metadata": {"name": "`+n+`", "labels": {"kubernetes.io/hostname": "`+n+`"}}, "status": {}}`)
	}
	return answers(t, map[string]string{"kubectl": "case \"$*\" in\n" + cases + prints("'get nodes --output json'", `{"items": [`+strings.Join(items, ",")+`]}`) +
		"*--ignore-not-found*) ;;\n*) echo '{\"items\": []}' ;;\nesac\n"})
}

// TestChecksEgressCilium: a policy has no state; what can be seen is the nodes that its selectors are for.
func TestChecksEgressCilium(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "ham1").Tree)
	policy := func(second string) string {
		gateway := func(node, address string) string {
			return `{"nodeSelector": {"matchLabels": {"kubernetes.io/hostname": "` + node + `"}}, "egressIP": "` + address + `"}`
		}
		first := gateway("ham1-east-edge", "10.90.1.201")
		return prints("'get CiliumEgressGatewayPolicy.v2.cilium.io billing.ipv4 '*", `{"metadata": {"name": "billing.ipv4"}, "spec": {"egressGateway": `+first+`, "egressGateways": [`+
			first+`, `+gateway("ham1-west-edge", second)+`]}}`)
	}
	const what, want = " egress gateway fixed policy billing.ipv4: ", "10.90.1.201 on ham1-east-edge, 10.90.2.201 on ham1-west-edge"
	for _, c := range []struct{ policy, west, line string }{
		{policy("10.90.2.201"), "ham1-west-edge", "PASS" + what + want},
		{policy("10.90.2.202"), "ham1-west-edge", "FAIL" + what + "expected " + want + ", seen 10.90.1.201 on ham1-east-edge, 10.90.2.202 on ham1-west-edge"},
		{policy("10.90.2.201"), "ham1-west-edge2", "FAIL" + what + "expected " + want + ", seen 10.90.1.201 on ham1-east-edge, 10.90.2.201 on no node"},
		{"", "ham1-west-edge", "FAIL" + what + "expected " + want + ", seen no such policy"},
	} {
		expect(t, dir, kubectlOut(t, c.policy, "ham1-east-edge", c.west), 1, []string{c.line}, "kubernetes")
	}
}

// TestChecksEgressCalico: each pod has one of the addresses, which may be any of the gateway's networks.
func TestChecksEgressCalico(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "lin1").Tree)
	gateway := func(state string) string {
		return prints("'get EgressGateway.v1.operator.tigera.io egress-clearing --namespace egress-clearing '*",
			`{"metadata": {"name": "egress-clearing", "namespace": "egress-clearing"}, "status": {"state": "`+state+`"}}`)
	}
	pods := func(all ...string) string {
		return podsOut(t, "egress-clearing", "projectcalico.org/egw", "egress-clearing", all...)
	}
	expect(t, dir, kubectlOut(t, gateway("Ready")+pods("a lin1-e1 198.51.100.65", "b lin1-e2 198.51.100.67")), 1, []string{
		"PASS egress gateway clearing egress-clearing: Ready", "PASS egress gateway clearing pods: 2 ready",
		"PASS egress gateway clearing placement: as declared", "PASS egress gateway clearing addresses: as declared",
	}, "kubernetes")
	expect(t, dir, kubectlOut(t, gateway("Degraded")+pods("a lin1-e1 198.51.100.68", "b lin1-w1 198.51.100.67")), 1, []string{
		"FAIL egress gateway clearing egress-clearing: expected Ready, seen Degraded",
		"FAIL egress gateway clearing placement: expected lin1-e1, lin1-e2, seen b on lin1-w1",
		"FAIL egress gateway clearing addresses: expected 198.51.100.65/32, 198.51.100.66/31, seen none of them in a",
	}, "kubernetes")
	expect(t, dir, kubectlOut(t, pods("a lin1-e1 198.51.100.65")), 1, []string{
		"FAIL egress gateway clearing egress-clearing: expected Ready, seen no such object", "FAIL egress gateway clearing pods: expected 2 ready, seen 1 ready",
	}, "kubernetes")
}

// TestChecksEgressKubeVIP: the Service has the address, and its one pod runs where kube-vip answers.
func TestChecksEgressKubeVIP(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "tll1").Tree)
	service := func(address string) string {
		return prints("'get service egress-payments --namespace egress-payments '*",
			`{"metadata": {"name": "egress-payments", "namespace": "egress-payments"}, "status": {"loadBalancer": {"ingress": [`+address+`]}}}`)
	}
	expect(t, dir, kubectlOut(t, service(`{"ip": "10.86.1.201"}`)+podsOut(t, "egress-payments", "istio", "egress-payments", "p tll1-b 10.1.2.3")), 1, []string{
		"PASS egress gateway payments pods: 1 ready", "PASS egress gateway payments placement: as declared", "PASS egress gateway payments addresses: 10.86.1.201",
	}, "kubernetes")
	expect(t, dir, kubectlOut(t, service("")+podsOut(t, "egress-payments", "istio", "egress-payments", "p tll1-x 10.1.2.3")), 1, []string{
		"FAIL egress gateway payments placement: expected tll1-a, tll1-b, tll1-c, seen p on tll1-x", "FAIL egress gateway payments addresses: expected 10.86.1.201, seen none",
	}, "kubernetes")
}

// TestChecksEgressHost asks the real nft and ip, in a network namespace of its own; systemctl answers what it is told.
func TestChecksEgressHost(t *testing.T) {
	real(t, "jq")
	real(t, "nft")
	needRouters(t)
	dir := onDisk(t, compileExample(t, "kos1").Tree)
	r := frrtest.New(t, "chk-out")
	const name = "kos1-e2.example.net"
	look := func(unit string, lines ...string) {
		t.Helper()
		env := answers(t, map[string]string{"chronyc": "case \"$*\" in\n'-n -c tracking') echo 0,x,2,0,0.1 ;;\nesac\n", "systemctl": "echo " + unit + "\n[ " + unit + " = active ]\n"})
		out := r.Try("env", append(env, filepath.Join(dir, "checks", "run.sh"), "host", name)...)
		for _, l := range lines {
			if !strings.Contains("\n"+out, "\n"+l+"\n") {
				t.Errorf("no %q:\n%s", l, out)
			}
		}
		if strings.Contains(out, "10.88.1.201") {
			t.Errorf("it asks for the address of another machine:\n%s", out)
		}
	}
	const what = name + " source 10.88.1.202 of egress gateway bank"
	look("inactive", "FAIL "+what+": expected on an interface, seen on none", "FAIL "+what+" rule: expected loaded, seen not loaded",
		"FAIL "+name+" meshgen-egress.service: expected active, seen inactive")
	r.Exec("ip", "address", "add", "10.88.1.202/32", "dev", "lo")
	r.Exec("nft", "-f", filepath.Join(dir, "hosts", "kos1", "kos1-e1", "etc", "meshgen", "egress.nft"))
	look("active", "PASS "+what+": on an interface", "FAIL "+what+" rule: expected loaded, seen not loaded", "PASS "+name+" meshgen-egress.service: active")
	r.Exec("nft", "-f", filepath.Join(dir, "hosts", "kos1", "kos1-e2", "etc", "meshgen", "egress.nft"))
	look("active", "PASS "+what+" rule: loaded")
}
