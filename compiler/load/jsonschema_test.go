package load

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

func compileJSONSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	if err := c.AddResource("https://meshgen.dev/schema/v1", bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://meshgen.dev/schema/v1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The JSON Schema takes the samples, and of damaged sites refuses those that CUE refuses and no others.
func TestJSONSchemaAgreesWithCUE(t *testing.T) {
	schema := compileJSONSchema(t)
	for _, name := range samples {
		if err := schema.Validate(decode(t, mustLoad(t, name, read(t, name)).Resolved())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	l := NewLoader()
	tree := decode(t, mustLoad(t, samples[2], read(t, samples[2])).Resolved())
	refused := 0
	for i, path := range places(tree, nil, nil) {
		data, err := json.Marshal(damaged(tree, path, junk[i%len(junk)]))
		if err != nil {
			t.Fatal(err)
		}
		src, faults := l.Bytes("site.json", data)
		onlyKinds := len(faults) > 0
		for _, f := range faults {
			onlyKinds = onlyKinds && f.Rule == OtherKind.ID
		}
		err = schema.Validate(decode(t, data))
		if (err == nil) != (src != nil || onlyKinds) {
			t.Errorf("%s with %v: JSON Schema says %v, CUE says\n%s", join(path), junk[i%len(junk)], err, lines(faults))
		}
		if err != nil {
			refused++
		}
	}
	if refused < 50 {
		t.Errorf("only %d damaged sites were refused", refused)
	}
}

func TestJSONSchemaKeepsWhatCUELoses(t *testing.T) {
	text, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	fabric := decode(t, text).(object)["$defs"].(object)["Fabric"].(object)["properties"].(object)
	mtu := fabric["mtu"].(object)
	if mtu["default"] != 1500.0 || mtu["minimum"] != 1280.0 || mtu["maximum"] != 9216.0 || mtu["description"] == "" {
		t.Errorf("mtu is %v", mtu)
	}
}

// The schema as one file, and as a module beside a site, is the schema.
func TestSchemaForReaders(t *testing.T) {
	if src, faults := Bytes("schema.cue", SchemaCUE()); src != nil || len(faults) == 0 || faults[0].Rule == Syntax.ID {
		t.Errorf("the schema in one file cannot be parsed: %s", lines(faults))
	}
	module := SchemaModule("example.net/site")
	if !strings.HasPrefix(string(module["cue.mod/module.cue"]), "module: \"example.net/site\"\n") {
		t.Errorf("module file: %s", module["cue.mod/module.cue"])
	}
	for name, data := range module {
		if strings.HasSuffix(name, "/site.cue") && bytes.Contains(data, []byte("#Site: {")) && name == "cue.mod/pkg/meshgen.dev/schema/site.cue" {
			return
		}
	}
	t.Error("the module has no site.cue")
}
