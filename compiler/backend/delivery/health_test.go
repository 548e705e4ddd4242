package delivery

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestHealth runs the script as Argo CD does, by the same interpreter: an Application stands in the variable obj.
func TestHealth(t *testing.T) {
	const ours = `metadata = {labels = {["meshgen.dev/site"] = "lab"}}, spec = {syncPolicy = {automated = {prune = true}}}`
	for _, c := range []struct{ name, obj, want string }{
		{"just made", ours, "Progressing"},
		{"compared, not yet healthy", ours + `, status = {health = {}}`, "Progressing"},
		{"never synced, nothing counts against it", ours + `, status = {health = {status = "Healthy"}, sync = {status = "OutOfSync"}}`, "Progressing"},
		{"sync runs", ours + `, status = {health = {status = "Healthy"}, sync = {status = "OutOfSync"}, operationState = {phase = "Running"}}`, "Progressing"},
		{"sync refused", ours + `, status = {health = {status = "Healthy"}, sync = {status = "OutOfSync"}, operationState = {phase = "Failed"}}`, "Progressing"},
		{"synced", ours + `, status = {health = {status = "Healthy"}, sync = {status = "Synced"}, operationState = {phase = "Succeeded"}}`, "Healthy"},
		{"synced, pods come up", ours + `, status = {health = {status = "Progressing"}, sync = {status = "Synced"}}`, "Progressing"},
		{"synced, broken", ours + `, status = {health = {status = "Degraded", message = "no pod"}, sync = {status = "Synced"}}`, "Degraded"},
		{"changed by hand since", ours + `, status = {health = {status = "Healthy"}, sync = {status = "OutOfSync"}, operationState = {phase = "Succeeded"}}`, "Healthy"},
		{"ours, synced by hand alone", `metadata = {labels = {["meshgen.dev/site"] = "lab"}}, spec = {syncPolicy = {}}, status = {health = {status = "Healthy"}, sync = {status = "OutOfSync"}}`, "Healthy"},
		{"somebody else's", `metadata = {}, spec = {}, status = {health = {status = "Healthy"}, sync = {status = "OutOfSync"}}`, "Healthy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lua.NewState()
			defer l.Close()
			if err := l.DoString("obj = {" + c.obj + "}"); err != nil {
				t.Fatal(err)
			}
			if err := l.DoString(health); err != nil {
				t.Fatal(err)
			}
			result, ok := l.Get(-1).(*lua.LTable)
			if !ok {
				t.Fatalf("it returns %v", l.Get(-1))
			}
			if got := result.RawGetString("status").String(); got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
		})
	}
}
