package compiler

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestChecksIPsec: agents answer in the form of api/v1/models/encryption_status.go of Cilium 1.20.2, before a pause and after it;
// the numbers of the keys stand on CiliumNodes.
func TestChecksIPsec(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "szz1").Tree)
	says := func(keys, errors int) string {
		return fmt.Sprintf(`{"mode": "IPsec", "ipsec": {"keys-in-use": %d, "error-count": %d, "xfrm-errors": {"XfrmFwdHdrError": %[2]d, "XfrmInNoStates": %[2]d}}}`, keys, errors)
	}
	nodes := []string{"szz1-cp", "szz1-e1", "szz1-e2", "szz1-w1", "szz1-w2"}
	// programs answer for all nodes alike, and for the last one with its key and with what its agent says.
	programs := func(key int, before, after string) []string {
		paused := filepath.Join(t.TempDir(), "paused")
		var pods, keys []string
		cases := "*agent-szz1-w2*) if [ -e " + paused + " ]; then echo '" + after + "'; else echo '" + before + "'; fi ;;\n" +
			"'exec --namespace kube-system agent-'*' --container cilium-agent -- cilium-dbg encrypt status --output json') echo '" + says(8, 7) + "' ;;\n"
		for _, n := range nodes {
			number := 3
			if n == "szz1-w2" {
				number = key
			}
			pods = append(pods, fmt.Sprintf(`{"metadata": {"name": "agent-%s"}, "spec": {"nodeName": %[1]q}}`, n))
			keys = append(keys, fmt.Sprintf(`{"metadata": {"name": %q}, "spec": {"encryption": {"key": %d}}}`, n, number))
		}
		cases += prints("'get pods --namespace kube-system --selector k8s-app=cilium --output json'", `{"items": [`+strings.Join(pods, ",")+`]}`) +
			prints("'get ciliumnodes.cilium.io --output json'", `{"items": [`+strings.Join(keys, ",")+`]}`)
		return answers(t, map[string]string{"sleep": "touch " + paused + "\n",
			"kubectl": "case \"$*\" in\n" + cases + "*--ignore-not-found*) ;;\n*) echo '{\"items\": []}' ;;\nesac\n"})
	}
	for _, c := range []struct {
		key           int
		before, after string
		lines         []string
	}{
		{3, says(8, 7), says(8, 7), []string{"PASS encryption of the agents: IPsec", "PASS IPsec key number: 3 on all nodes",
			"PASS IPsec keys in use: 8 or more on each node", "PASS IPsec errors: none that grow"}},
		{4, says(6, 7), says(8, 8), []string{"FAIL IPsec key number: expected one of 1 to 15 on all nodes, seen 3 on szz1-cp, 3 on szz1-e1, 3 on szz1-e2, 3 on szz1-w1, 4 on szz1-w2",
			"FAIL IPsec keys in use: expected 8 or more on each node, seen 6 on szz1-w2", "FAIL IPsec errors: expected none that grow, seen XfrmInNoStates on szz1-w2"}},
		{0, `{"mode": "Disabled"}`, "", []string{"FAIL encryption of the agents: expected IPsec, seen Disabled on szz1-w2"}},
		{3, "", "", []string{"FAIL encryption of the agents: expected IPsec, seen no answer on szz1-w2"}},
	} {
		expect(t, dir, programs(c.key, c.before, c.after), 1, c.lines, "kubernetes")
	}
}

// TestChecksZtunnel: which namespaces are taken in, and whether each node has its proxy.
func TestChecksZtunnel(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "bts1").Tree)
	programs := func(mode, namespaces string, ready int) []string {
		var pods []string
		for _, n := range []string{"bts1-cp", "bts1-e1", "bts1-e2", "bts1-w1", "bts1-w2"} {
			pods = append(pods, fmt.Sprintf(`{"metadata": {"name": "agent-%s"}, "spec": {"nodeName": %[1]q}}`, n))
		}
		return answers(t, map[string]string{"kubectl": "case \"$*\" in\n" +
			prints("'exec --namespace kube-system agent-'*' --container cilium-agent -- cilium-dbg encrypt status --output json'", `{"mode": "`+mode+`"}`) +
			prints("'get pods --namespace kube-system --selector k8s-app=cilium --output json'", `{"items": [`+strings.Join(pods, ",")+`]}`) +
			prints("'get namespaces --selector io.cilium/mtls-enabled=true --output json'", `{"items": [`+namespaces+`]}`) +
			prints("'get daemonsets --namespace kube-system --output json'", fmt.Sprintf(`{"items": [{"metadata": {"name": "ztunnel-cilium"}, "status": {"numberReady": %d}}]}`, ready)) +
			"*--ignore-not-found*) ;;\n*) echo '{\"items\": []}' ;;\nesac\n"})
	}
	const ledger, reports = `{"metadata": {"name": "ledger"}}`, `{"metadata": {"name": "reports"}}`
	expect(t, dir, programs("Ztunnel", reports+","+ledger, 5), 1, []string{"PASS encryption of the agents: Ztunnel",
		"PASS namespaces with io.cilium/mtls-enabled=true: ledger, reports", "PASS DaemonSet ztunnel-cilium: 5 ready"}, "kubernetes")
	expect(t, dir, programs("Disabled", ledger, 4), 1, []string{
		"FAIL encryption of the agents: expected Ztunnel, seen Disabled on bts1-cp, Disabled on bts1-e1, Disabled on bts1-e2, Disabled on bts1-w1, Disabled on bts1-w2",
		"FAIL namespaces with io.cilium/mtls-enabled=true: expected ledger, reports, seen ledger", "FAIL DaemonSet ztunnel-cilium: expected 5 ready, seen 4 ready"}, "kubernetes")
}

// TestChecksSPIRE: whether agents have certificates, and who signs is there. Agents answer in the form of
// api/v1/models/status_response.go of Cilium 1.20.2.
func TestChecksSPIRE(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "bgy1").Tree)
	programs := func(last string, agents, servers int) []string {
		var pods []string
		for _, n := range []string{"bgy1-cp", "bgy1-e1", "bgy1-e2", "bgy1-w1", "bgy1-w2"} {
			pods = append(pods, fmt.Sprintf(`{"metadata": {"name": "agent-%s"}, "spec": {"nodeName": %[1]q}}`, n))
		}
		return answers(t, map[string]string{"kubectl": "case \"$*\" in\n" +
			prints("'exec --namespace kube-system agent-bgy1-w2 --container cilium-agent -- cilium-dbg status --output json'", last) +
			prints("'exec --namespace kube-system agent-'*' --container cilium-agent -- cilium-dbg status --output json'", `{"auth-certificate-provider": {"state": "Ok"}}`) +
			prints("'get pods --namespace kube-system --selector k8s-app=cilium --output json'", `{"items": [`+strings.Join(pods, ",")+`]}`) +
			prints("'get daemonsets --namespace kube-system --output json'", fmt.Sprintf(`{"items": [{"metadata": {"name": "spire-agent"}, "status": {"numberReady": %d}}]}`, agents)) +
			prints("'get statefulsets --namespace kube-system --output json'", fmt.Sprintf(`{"items": [{"metadata": {"name": "spire-server"}, "status": {"readyReplicas": %d}}]}`, servers)) +
			"*--ignore-not-found*) ;;\n*) echo '{\"items\": []}' ;;\nesac\n"})
	}
	expect(t, dir, programs(`{"auth-certificate-provider": {"state": "Ok"}}`, 5, 1), 1, []string{"PASS certificates of the agents: Ok",
		"PASS DaemonSet spire-agent: 5 ready", "PASS StatefulSet spire-server: 1 ready"}, "kubernetes")
	expect(t, dir, programs(`{"auth-certificate-provider": {"state": "Failure", "msg": "Not connected to SPIRE server"}}`, 4, 0), 1, []string{
		"FAIL certificates of the agents: expected Ok, seen Failure on bgy1-w2", "FAIL DaemonSet spire-agent: expected 5 ready, seen 4 ready",
		"FAIL StatefulSet spire-server: expected 1 ready, seen 0 ready"}, "kubernetes")
	expect(t, dir, programs("", 5, 1), 1, []string{"FAIL certificates of the agents: expected Ok, seen no answer on bgy1-w2"}, "kubernetes")
}
