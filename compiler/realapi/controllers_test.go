//go:build linux

package realapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/ir"
)

// control does what the controllers of a cluster would do for what install.sh waits for, until the test ends: Secrets
// come of ExternalSecrets and Certificates, ConfigMaps of the roots,
// Deployments of EgressGateways and TerminatingGateways, istiod comes up and takes its webhook over, DaemonSets are rolled out.
func (c *client) control(ctx context.Context, p *ir.Plan) {
	hook := httptest.NewTLSServer(http.HandlerFunc(admit))
	defer hook.Close()
	ready := map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
		"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
	}}}}
	tls := []string{"ca.crt", "tls.crt", "tls.key"}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for path, o := range c.list(ctx, "/apis/external-secrets.io/v1/externalsecrets") {
			var keys []string
			for _, d := range o.Spec.Data {
				keys = append(keys, d.SecretKey)
			}
			c.quietly(ctx, http.MethodPost, "/api/v1/namespaces/"+o.Metadata.Namespace+"/secrets",
				secret(o.Metadata.Namespace, o.Spec.Target.Name, o.Spec.Target.Template.Type, keys))
			c.quietly(ctx, http.MethodPatch, path+"/status", ready)
		}
		for path, o := range c.list(ctx, "/apis/cert-manager.io/v1/certificates") {
			c.quietly(ctx, http.MethodPost, "/api/v1/namespaces/"+o.Metadata.Namespace+"/secrets",
				secret(o.Metadata.Namespace, o.Spec.SecretName, "kubernetes.io/tls", tls))
			c.quietly(ctx, http.MethodPatch, path+"/status", ready)
		}
		for _, phase := range p.Delivery.Phases { // roots of trust that the platform keeps in ConfigMaps
			for _, w := range phase.Waits {
				if name, ok := strings.CutPrefix(w.Object, "configmap/"); ok {
					c.quietly(ctx, http.MethodPost, "/api/v1/namespaces/"+w.Namespace+"/configmaps", map[string]any{
						"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name},
						"data": map[string]string{"ca-bundle.crt": "not a real value"},
					})
				}
			}
		}
		for path := range c.list(ctx, "/apis/gateway.networking.k8s.io/v1/gateways") {
			c.quietly(ctx, http.MethodPatch, path+"/status", map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
				"type": "Programmed", "status": "True", "reason": "Programmed", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
			}}}})
		}
		for _, phase := range p.Delivery.Phases { // a controller that looks at how many pods there are
			for _, a := range phase.Anew {
				all := "/apis/apps/v1/namespaces/" + a.Namespace + "/deployments"
				c.quietly(ctx, http.MethodPost, all, deployment(a.Namespace, a.Deployment))
				c.quietly(ctx, http.MethodPatch, all+"/"+a.Deployment, map[string]any{"spec": map[string]any{"replicas": a.Replicas}})
			}
		}
		for path, o := range c.list(ctx, "/apis/operator.tigera.io/v1/egressgateways") {
			c.quietly(ctx, http.MethodPost, "/apis/apps/v1/namespaces/"+o.Metadata.Namespace+"/deployments", deployment(o.Metadata.Namespace, o.Metadata.Name))
			c.quietly(ctx, http.MethodPatch, path+"/status", map[string]any{"status": map[string]any{"state": "Ready"}})
		}
		for path, o := range c.list(ctx, "/apis/consul.hashicorp.com/v1alpha1/terminatinggateways") {
			c.quietly(ctx, http.MethodPost, "/apis/apps/v1/namespaces/"+o.Metadata.Namespace+"/deployments", deployment(o.Metadata.Namespace, "consul-"+o.Metadata.Name))
			c.quietly(ctx, http.MethodPatch, path+"/status", map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
				"type": "Synced", "status": "True", "reason": "DeploymentReady", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
			}}}})
		}
		for path, o := range c.list(ctx, "/apis/apps/v1/daemonsets") {
			c.quietly(ctx, http.MethodPatch, path+"/status", map[string]any{"status": map[string]any{
				"observedGeneration": o.Metadata.Generation, "currentNumberScheduled": 1, "desiredNumberScheduled": 1,
				"updatedNumberScheduled": 1, "numberAvailable": 1, "numberReady": 1, "numberMisscheduled": 0,
			}})
		}
		for path, o := range c.list(ctx, "/apis/apps/v1/deployments") {
			c.quietly(ctx, http.MethodPatch, path+"/status", map[string]any{"status": map[string]any{
				"observedGeneration": o.Metadata.Generation, "replicas": o.Spec.Replicas, "updatedReplicas": o.Spec.Replicas, "availableReplicas": o.Spec.Replicas, "readyReplicas": o.Spec.Replicas,
				"conditions": []any{map[string]any{"type": "Available", "status": "True"}},
			}})
			if o.Metadata.Name == istiod(p.Mesh.Revision) {
				ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hook.Certificate().Raw})
				c.quietly(ctx, http.MethodPatch, "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/"+validatorName,
					validator(map[string]any{"service": nil, "url": hook.URL, "caBundle": base64.StdEncoding.EncodeToString(ca)}))
			}
		}
	}
}

// admit admits everything: whether an object is good the real istiod must say.
func admit(w http.ResponseWriter, r *http.Request) {
	var review struct{ Request struct{ UID string } }
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
		"response": map[string]any{"uid": review.Request.UID, "allowed": true},
	})
}

// reconciled is what controllers read of an object.
type reconciled struct {
	Metadata struct {
		Name, Namespace string
		Generation      int64
	}
	Spec struct {
		SecretName string
		Replicas   int
		Target     struct {
			Name     string
			Template struct{ Type string }
		}
		Data []struct{ SecretKey string }
	}
}

// list returns the objects of a kind by their paths; none while the kind is unknown.
func (c *client) list(ctx context.Context, kind string) map[string]reconciled {
	var l struct{ Items []reconciled }
	_ = json.Unmarshal(c.quietly(ctx, http.MethodGet, kind, nil), &l)
	out := map[string]reconciled{}
	group, plural := kind[:strings.LastIndexByte(kind, '/')], kind[strings.LastIndexByte(kind, '/'):]
	for _, o := range l.Items {
		out[group+"/namespaces/"+o.Metadata.Namespace+plural+"/"+o.Metadata.Name] = o
	}
	return out
}

// quietly asks once and fails no test: a controller tries again, and what it never manages install.sh waits for in vain.
func (c *client) quietly(ctx context.Context, method, path string, body any) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(string(text)))
	if err != nil {
		return nil
	}
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	resp, err := c.web.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	return data
}

// istiod is the name of a control plane's Deployment and Service.
func istiod(revision string) string {
	if revision == "" {
		return "istiod"
	}
	return "istiod-" + revision
}

const validatorName = "istiod-default-validator"

func validator(client map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
		"metadata": map[string]any{"name": validatorName},
		"webhooks": []any{map[string]any{
			"name": "validation.istio.io", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": []string{"v1"},
			"clientConfig": client,
			"rules": []any{map[string]any{
				"operations": []string{"CREATE", "UPDATE"}, "apiVersions": []string{"*"}, "resources": []string{"*"},
				"apiGroups": []string{"security.istio.io", "networking.istio.io", "telemetry.istio.io", "extensions.istio.io"},
			}},
		}},
	}
}

func deployment(namespace, name string) map[string]any {
	return workload("Deployment", namespace, name)
}

func daemonSet(namespace, name string) map[string]any {
	return workload("DaemonSet", namespace, name)
}

func workload(kind, namespace, name string) map[string]any {
	labels := map[string]string{"app": name}
	return map[string]any{
		"apiVersion": "apps/v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": namespace},
		"spec": map[string]any{
			"selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec": map[string]any{
					"securityContext": map[string]any{"runAsNonRoot": true, "seccompProfile": map[string]string{"type": "RuntimeDefault"}},
					"containers": []any{map[string]any{
						"name": "main", "image": "registry.invalid/main:1",
						"securityContext": map[string]any{"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []string{"ALL"}}},
					}},
				},
			},
		},
	}
}

func secret(namespace, name, kind string, keys []string) map[string]any {
	data := map[string]string{}
	for _, k := range keys {
		data[k] = "not a real value"
		if k == ".dockerconfigjson" { // the server reads it
			data[k] = `{"auths": {}}`
		}
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": kind, "stringData": data,
		"metadata": map[string]any{"name": name, "namespace": namespace},
	}
}
