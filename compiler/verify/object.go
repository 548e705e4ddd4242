package verify

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// An object is one Kubernetes object of the tree, or a configuration of one of its programs.
type object struct {
	file                 *artifact.File
	node                 *yaml.Node
	value                map[string]any
	apiVersion, kind     string
	group, version       string
	namespace, name      string
	within               *object // the ConfigMap that carries it as text; nil otherwise
	key                  string  // of that ConfigMap
	lines                int     // what to add to a line of node to get the file's
	partial              bool    // an overlay of an object: nothing is required of it
	namespaced, hasScope bool    // what its schema says
}

func newObject(f *artifact.File, n *yaml.Node) *object {
	v, _ := value(n).(map[string]any)
	o := &object{file: f, node: n, value: v, apiVersion: str(v, "apiVersion"), kind: str(v, "kind")}
	o.group, o.version = splitVersion(o.apiVersion)
	o.namespace, o.name = str(v, "metadata", "namespace"), str(v, "metadata", "name")
	return o
}

// splitVersion splits an apiVersion. The core group has no name.
func splitVersion(apiVersion string) (group, version string) {
	if group, version, ok := strings.Cut(apiVersion, "/"); ok {
		return group, version
	}
	return "", apiVersion
}

// String names the object in messages: "Service mesh/gw", "Node n1".
func (o *object) String() string {
	switch {
	case o.within != nil:
		return fmt.Sprintf("%s in %s", o.kind, o.within)
	case o.namespace != "":
		return o.kind + " " + o.namespace + "/" + o.name
	case o.name != "":
		return o.kind + " " + o.name
	}
	return o.kind
}

// is reports whether the object is of a group and kind, at any version.
func (o *object) is(group, kind string) bool { return o.group == group && o.kind == kind }

// report adds an error at a field of an object.
func (o *object) report(p *pass, rule string, path fieldPath, format string, args ...any) {
	where := o.String()
	if len(path) > 0 {
		where += ": " + path.String()
	}
	p.report(o.file, o.lines+lineOf(o.node, path), rule, "%s: %s", where, fmt.Sprintf(format, args...))
}

// readObjects is the verifier of files with Kubernetes objects.
func readObjects(f *artifact.File, p *pass) {
	docs := p.documents(f)
	if len(docs) == 0 {
		p.report(f, 0, ruleYAML, "the file holds no object")
	}
	for _, n := range docs {
		p.addObject(f, n, "objects")
	}
}

// readKubeletConfiguration is the verifier of the kubelet's drop-ins: each is one configuration.
func readKubeletConfiguration(f *artifact.File, p *pass) {
	docs := p.documents(f)
	if len(docs) != 1 {
		p.report(f, 0, ruleYAML, "a drop-in of the kubelet is one document, not %d", len(docs))
	}
	for _, n := range docs {
		if o := p.addObject(f, n, "kubelet configuration"); o != nil && !o.is("kubelet.config.k8s.io", "KubeletConfiguration") {
			o.report(p, ruleSchema, nil, "the kubelet reads nothing but KubeletConfiguration")
		}
	}
}

func (p *pass) addObject(f *artifact.File, n *yaml.Node, verifier string) *object {
	o := newObject(f, n)
	if o.value == nil || o.apiVersion == "" || o.kind == "" {
		p.report(f, n.Line, ruleYAML, "a document without apiVersion and kind")
		return nil
	}
	p.objects = append(p.objects, o)
	p.count(verifier).Objects++
	if o.is("", "ConfigMap") {
		p.addCarried(o)
	}
	return o
}

// addCarried reads the objects that a ConfigMap carries as text: configuration of a program, which names its kind, and
// the parts that a managed Gateway is made with, by the keys that istiod reads.
func (p *pass) addCarried(cm *object) {
	data := dict(cm.value, "data")
	for i := 0; i+1 < len(cm.node.Content); i += 2 {
		if cm.node.Content[i].Value != "data" {
			continue
		}
		content := cm.node.Content[i+1].Content
		for j := 0; j+1 < len(content); j += 2 {
			key, text := content[j].Value, str(data, content[j].Value)
			as := gatewayParts[key]
			if as == nil && !strings.Contains(text, "apiVersion:") {
				continue
			}
			p.addText(cm, key, text, content[j+1], as)
		}
	}
}

// gatewayParts are the keys of a ConfigMap that shapes managed Gateways, with what each is laid over.
var gatewayParts = map[string][]string{
	"deployment":              {"apps/v1", "Deployment"},
	"horizontalPodAutoscaler": {"autoscaling/v2", "HorizontalPodAutoscaler"},
	"podDisruptionBudget":     {"policy/v1", "PodDisruptionBudget"},
	"service":                 {"v1", "Service"},
	"serviceAccount":          {"v1", "ServiceAccount"},
}

func (p *pass) addText(cm *object, key, text string, at *yaml.Node, as []string) {
	var doc yaml.Node
	lines := at.Line // a block scalar begins on the line after its key
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		p.report(cm.file, lines, ruleYAML, "%s: data.%s is not YAML", cm, key)
		return
	}
	o := newObject(cm.file, doc.Content[0])
	o.within, o.key, o.lines = cm, key, lines
	if as != nil {
		o.partial, o.apiVersion, o.kind = true, as[0], as[1]
		o.group, o.version = splitVersion(as[0])
		dropDirectives(o.value)
	}
	if o.value != nil && o.apiVersion != "" && o.kind != "" {
		p.objects = append(p.objects, o)
		p.count("objects").Objects++
	}
}

// dropDirectives takes the directives of a strategic merge out of an overlay: "$patch" says what becomes of an element,
// and is no field of the object.
func dropDirectives(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "$patch")
		for _, child := range v {
			dropDirectives(child)
		}
	case []any:
		for _, child := range v {
			dropDirectives(child)
		}
	}
}
