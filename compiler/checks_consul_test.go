package compiler

import "testing"

// TestChecksConsulGateway: the controller leaves the pods of a gateway as they are when place or size of its class change.
// Quantities are written by the site in the one object, and by the API server in the other.
func TestChecksConsulGateway(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "aar1").Tree)
	const config = "consul-public"
	kubectl := func(class, cpu, toleration string) []string {
		return kubectlOut(t, prints("'get service public-public --namespace gateway-public '*",
			`{"metadata": {"name": "public-public", "namespace": "gateway-public"}, "status": {"loadBalancer": {"ingress": [{"ip": "10.230.1.193"}]}}}`)+
			prints("'get gatewayclassconfigs.consul.hashicorp.com "+config+" '*", `{"kind": "GatewayClassConfig", "metadata": {"name": "`+config+`"}, "spec": {
				"nodeSelector": {"meshgen.dev/class": "edge"}, "deployment": {"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}}}}`)+
			prints("'get deployment public --namespace gateway-public '*", `{"kind": "Deployment", "metadata": {"name": "public", "namespace": "gateway-public"}, "spec": {"template": {"spec": {
				"nodeSelector": {"meshgen.dev/class": "`+class+`"}, "tolerations": [`+toleration+`], "containers": [{"resources": {"requests": {"cpu": "`+cpu+`", "memory": "1Gi"}}}]}}}}`))
	}
	expect(t, dir, kubectl("edge", "500m", ""), 1, []string{
		"PASS gateway public addresses: 10.230.1.193",
		"PASS gateway public pods by their class: as GatewayClassConfig " + config,
	}, "kubernetes")
	expect(t, dir, kubectl("worker", "2", `{"key": "k", "operator": "Exists"}`), 1, []string{
		"FAIL gateway public pods by their class: expected as GatewayClassConfig " + config +
			", seen other nodeSelector, tolerations, resources: charts/aar1/install.sh --from gateways --to gateways has them made anew",
	}, "kubernetes")
	expect(t, dir, kubectlOut(t, ""), 1, []string{"FAIL gateway public pods by their class: expected as GatewayClassConfig " + config + ", seen no such object"}, "kubernetes")
}
