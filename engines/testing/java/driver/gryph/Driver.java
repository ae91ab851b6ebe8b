package gryph;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Inside the sandbox: compiles classes that it is sent, runs their methods, says what came of it. */
public final class Driver {
    private static final long CALL_LIMIT_MS = 2000;
    private static final int MESSAGE_LIMIT = 300;
    private static final int FRAME_LIMIT = 12;
    private static InputStream input;
    private static OutputStream output;
    private static Object subject;
    private static TreeMap<String, String> earlier = new TreeMap<>();

    /** What a method without a result returns. */
    public static final Object NOTHING = new Object();

    private Driver() {}

    /** Called by a generated method just before the call itself. */
    public static void started(Object receiver) {
        subject = receiver;
        earlier = fields(receiver);
    }

    public static void main(String[] arguments) throws Exception {
        String[] names = System.getenv("GRYPH_CHANNEL").split(",");
        input = new FileInputStream(descriptor(Integer.parseInt(names[0])));
        output = new FileOutputStream(descriptor(Integer.parseInt(names[1])));
        PrintStream silence = new PrintStream(OutputStream.nullOutputStream());
        System.setOut(silence);
        System.setErr(silence);
        for (String message = receive(); message != null; message = receive()) {
            int end = message.indexOf('\n');
            String[] words = message.substring(0, end).split(" ");
            String source = message.substring(end + 1);
            answer(words, source, arguments[0]);
        }
        Runtime.getRuntime().halt(0);
    }

    private static void answer(String[] words, String source, String folder) throws Exception {
        String errors = source.isEmpty() ? "[]" : compile(words[1], source, folder);
        if (!errors.equals("[]") || words[0].equals("compile")) {
            send("{\"errors\":" + errors + "," + cpu() + "}");
            return;
        }
        URLClassLoader loader = new URLClassLoader(new URL[] {new File(folder).toURI().toURL()});
        Class<?> type = Class.forName(words[1], true, loader);
        if (words[0].equals("suite")) {
            send("{\"cases\":" + Suite.run(type, Long.parseLong(words[2])) + ",\"hits\":" + Probe.take() + "," + cpu() + "}");
            return;
        }
        for (String place : words[2].split(",")) one(type, place);
        send("{\"done\":true," + cpu() + "}");
    }

    private static void one(Class<?> type, String place) throws Exception {
        send("{\"at\":" + place + "}");
        Method method = type.getDeclaredMethod("c" + place);
        method.setAccessible(true);
        subject = NOTHING;
        Probe.take();
        String[] seen = new String[1];
        Thread thread = new Thread(null, () -> seen[0] = observed(method), "call", 1 << 20);
        thread.setDaemon(true);
        thread.start();
        thread.join(CALL_LIMIT_MS);
        if (seen[0] == null) {
            send("{\"result\":{\"kind\":\"hang\"},\"place\":" + place + "}");
            Runtime.getRuntime().halt(1);
        }
        send("{\"result\":{" + seen[0] + ",\"hits\":" + Probe.take() + "},\"place\":" + place + "}");
    }

    private static String observed(Method method) {
        try {
            Object value = method.invoke(null);
            String state = changes();
            if (value == NOTHING) return "\"kind\":\"nothing\"" + state;
            String text = Rendering.render(value);
            if (text != null) return "\"kind\":\"value\",\"text\":" + json(text) + state;
            if (value == subject) return "\"kind\":\"self\"" + state;
            String name = value.getClass().getCanonicalName();
            return "\"kind\":\"instance\",\"type\":" + json(String.valueOf(name)) + ",\"fields\":" + pairs(fields(value)) + state;
        } catch (InvocationTargetException problem) {
            return subject == NOTHING ? "\"kind\":\"unmade\"" : failure(problem.getCause());
        } catch (Throwable problem) {
            return "\"kind\":\"unmade\"";
        }
    }

    private static String failure(Throwable problem) {
        StringBuilder frames = new StringBuilder("[");
        StackTraceElement[] trace = problem.getStackTrace();
        for (int place = 0; place < Math.min(trace.length, FRAME_LIMIT); place++) {
            frames.append(place > 0 ? "," : "").append("[").append(json(trace[place].getClassName())).append(",");
            frames.append(trace[place].getLineNumber()).append("]");
        }
        String message = String.valueOf(problem.getMessage());
        String cut = message.length() > MESSAGE_LIMIT ? "" : message;
        return "\"kind\":\"error\",\"type\":" + json(String.valueOf(problem.getClass().getCanonicalName()))
            + ",\"message\":" + (problem.getMessage() == null ? "null" : json(Rendering.quoted(cut)))
            + ",\"frames\":" + frames + "]";
    }

    private static String changes() {
        if (subject == null || subject == NOTHING) return "";
        TreeMap<String, String> now = fields(subject);
        now.entrySet().removeIf(one -> one.getValue().equals(earlier.get(one.getKey())));
        return ",\"state\":" + pairs(now);
    }

    /** What public methods without parameters that read like properties say of an object. */
    private static TreeMap<String, String> fields(Object value) {
        TreeMap<String, String> found = new TreeMap<>();
        if (value == null || value == NOTHING || !isOurs(value.getClass())) return found;
        for (Method method : value.getClass().getMethods()) {
            if (!isProperty(method)) continue;
            try {
                method.setAccessible(true);
                String text = Rendering.render(method.invoke(value));
                if (text != null) found.put(method.getName() + "()", text);
            } catch (ReflectiveOperationException | RuntimeException unreadable) {
                continue;
            }
        }
        return found;
    }

    private static boolean isOurs(Class<?> type) {
        return type.getClassLoader() != null && type.getClassLoader() != Object.class.getClassLoader();
    }

    private static boolean isProperty(Method method) {
        String name = method.getName();
        boolean isNamed = name.matches("(?:get|is|has)[A-Z].*|size|length|toString|name|isEmpty")
            || method.getDeclaringClass().isRecord();
        return isNamed && method.getParameterCount() == 0 && method.getReturnType() != void.class
            && !Modifier.isStatic(method.getModifiers()) && isOurs(method.getDeclaringClass())
            && !name.equals("hashCode") && !name.equals("getClass");
    }

    private static String compile(String name, String source, String folder) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        DiagnosticCollector<JavaFileObject> problems = new DiagnosticCollector<>();
        String simple = name.substring(name.lastIndexOf('.') + 1);
        JavaFileObject file = new SimpleJavaFileObject(URI.create("string:///" + simple + ".java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignored) {
                return source;
            }
        };
        List<String> options = List.of("-d", folder, "-cp", System.getProperty("java.class.path"), "-nowarn", "-proc:none", "-Xlint:none", "-implicit:none");
        boolean isDone = compiler.getTask(null, null, problems, options, null, List.of(file)).call();
        List<String> errors = new ArrayList<>();
        for (Diagnostic<?> one : problems.getDiagnostics()) {
            if (one.getKind() == Diagnostic.Kind.ERROR) errors.add("[" + one.getLineNumber() + "," + json(one.getMessage(null)) + "]");
        }
        if (!isDone && errors.isEmpty()) errors.add("[0,\"\"]");
        return "[" + String.join(",", errors) + "]";
    }

    private static String pairs(TreeMap<String, String> found) {
        List<String> made = new ArrayList<>();
        found.forEach((name, text) -> made.add("[" + json(name) + "," + json(text) + "]"));
        return "[" + String.join(",", made) + "]";
    }

    static String json(String text) {
        StringBuilder made = new StringBuilder("\"");
        for (char sign : text.toCharArray()) {
            boolean isPlain = sign >= ' ' && sign < 0x7f && sign != '"' && sign != '\\';
            made.append(isPlain ? String.valueOf(sign) : String.format("\\u%04x", (int) sign));
        }
        return made.append('"').toString();
    }

    private static String cpu() {
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return "\"cpu_s\":" + system.getProcessCpuTime() / 1e9;
    }

    private static FileDescriptor descriptor(int number) throws ReflectiveOperationException {
        FileDescriptor made = new FileDescriptor();
        Field field = FileDescriptor.class.getDeclaredField("fd");
        field.setAccessible(true);
        field.setInt(made, number);
        return made;
    }

    private static void send(String message) throws Exception {
        output.write((message + "\n").getBytes(StandardCharsets.US_ASCII));
        output.flush();
    }

    /** One JSON string, decoded. */
    private static String receive() throws Exception {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        byte[] chunk = new byte[65536];
        while (true) {
            int count = input.read(chunk);
            if (count < 0) return null;
            line.write(chunk, 0, count);
            if (chunk[count - 1] == '\n') break;
        }
        String text = line.toString(StandardCharsets.US_ASCII);
        StringBuilder made = new StringBuilder();
        for (int place = 1; place < text.lastIndexOf('"'); place++) {
            char sign = text.charAt(place);
            if (sign != '\\') {
                made.append(sign);
                continue;
            }
            char next = text.charAt(++place);
            switch (next) {
                case 'n': made.append('\n'); break;
                case 't': made.append('\t'); break;
                case 'r': made.append('\r'); break;
                case 'b': made.append('\b'); break;
                case 'f': made.append('\f'); break;
                case 'u':
                    made.append((char) Integer.parseInt(text.substring(place + 1, place + 5), 16));
                    place += 4;
                    break;
                default: made.append(next);
            }
        }
        return made.toString();
    }
}
