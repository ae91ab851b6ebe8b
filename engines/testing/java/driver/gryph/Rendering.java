package gryph;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Writes values as Java source that means the same in every process; null where there is none. */
final class Rendering {
    private static final int TEXT_LIMIT = 1200;
    private static final int ITEM_LIMIT = 40;

    private Rendering() {}

    static String render(Object value) {
        String text = written(value, 0);
        return text == null || text.length() > TEXT_LIMIT ? null : text;
    }

    private static String written(Object value, int depth) {
        if (value == null) return "null";
        if (value instanceof String) return quoted((String) value);
        if (value instanceof Boolean || value instanceof Integer) return value.toString();
        if (value instanceof Long) return value + "L";
        if (value instanceof Short) return "(short) " + value;
        if (value instanceof Byte) return "(byte) " + value;
        if (value instanceof Character) return character((Character) value);
        if (value instanceof Double) return decimal((Double) value, "Double", "");
        if (value instanceof Float) return decimal((Float) value, "Float", "f");
        if (value instanceof Enum) return enumeration((Enum<?>) value);
        if (value instanceof BigInteger) return "new BigInteger(\"" + value + "\")";
        if (value instanceof BigDecimal) return "new BigDecimal(\"" + value + "\")";
        if (depth > 3) return null;
        if (value.getClass().isArray()) return array(value, depth);
        if (value instanceof List) return items("List.of(", new ArrayList<Object>((List<?>) value), depth);
        if (value instanceof Set) return set((Set<?>) value, depth);
        if (value instanceof Map) return map((Map<?, ?>) value, depth);
        if (value instanceof Optional) return optional((Optional<?>) value, depth);
        return null;
    }

    static String quoted(String text) {
        StringBuilder made = new StringBuilder("\"");
        for (char sign : text.toCharArray()) made.append(escaped(sign, '"'));
        return made.append('"').toString();
    }

    private static String character(char sign) {
        return "'" + escaped(sign, '\'') + "'";
    }

    private static String escaped(char sign, char quote) {
        switch (sign) {
            case '\n': return "\\n";
            case '\r': return "\\r";
            case '\t': return "\\t";
            case '\\': return "\\\\";
            default:
                if (sign == quote) return "\\" + sign;
                boolean isPlain = sign >= ' ' && sign < 0x7f || Character.isLetterOrDigit(sign) && sign < 0xd800;
                return isPlain ? String.valueOf(sign) : String.format("\\u%04x", (int) sign);
        }
    }

    private static String decimal(double value, String type, String suffix) {
        if (Double.isNaN(value)) return type + ".NaN";
        if (Double.isInfinite(value)) return type + (value > 0 ? ".POSITIVE_INFINITY" : ".NEGATIVE_INFINITY");
        return suffix.isEmpty() ? Double.toString(value) : Float.toString((float) value) + suffix;
    }

    private static String enumeration(Enum<?> value) {
        String owner = value.getDeclaringClass().getCanonicalName();
        return owner == null ? null : owner + "." + value.name();
    }

    private static String array(Object value, int depth) {
        String type = value.getClass().getComponentType().getCanonicalName();
        if (type == null || Array.getLength(value) > ITEM_LIMIT) return null;
        if (value.getClass().getComponentType().isArray()) return null;
        List<Object> found = new ArrayList<>();
        for (int place = 0; place < Array.getLength(value); place++) found.add(Array.get(value, place));
        String inner = joined(found, depth);
        return inner == null ? null : "new " + type.replace("java.lang.", "") + "[] {" + inner + "}";
    }

    private static String items(String opening, List<Object> found, int depth) {
        if (found.contains(null)) return null;
        String inner = joined(found, depth);
        return inner == null ? null : opening + inner + ")";
    }

    private static String set(Set<?> value, int depth) {
        List<Object> found = new ArrayList<>(value);
        try {
            found = new ArrayList<>(new TreeSet<Object>(value));
        } catch (RuntimeException unordered) {
            if (found.size() > 1) return null;
        }
        return items("Set.of(", found, depth);
    }

    private static String map(Map<?, ?> value, int depth) {
        List<Object> found = new ArrayList<>();
        List<Object> keys = new ArrayList<>(value.keySet());
        try {
            keys = new ArrayList<>(new TreeSet<Object>(value.keySet()));
        } catch (RuntimeException unordered) {
            if (keys.size() > 1) return null;
        }
        if (keys.size() > 10) return null;
        for (Object key : keys) {
            found.add(key);
            found.add(value.get(key));
        }
        return items("Map.of(", found, depth);
    }

    private static String optional(Optional<?> value, int depth) {
        if (!value.isPresent()) return "Optional.empty()";
        String inner = written(value.get(), depth + 1);
        return inner == null ? null : "Optional.of(" + inner + ")";
    }

    private static String joined(List<Object> found, int depth) {
        if (found.size() > ITEM_LIMIT) return null;
        StringBuilder made = new StringBuilder();
        for (Object one : found) {
            String text = written(one, depth + 1);
            if (text == null) return null;
            made.append(made.length() > 0 ? ", " : "").append(text);
        }
        return made.toString();
    }
}
