package gryph;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs the tests of one class, as JUnit would: a fresh object for each. */
final class Suite {
    private Suite() {}

    /** One entry for each case: method, row, and what went wrong or null. */
    static String run(Class<?> type, long seed) throws Exception {
        List<Method> methods = new ArrayList<>(Arrays.asList(type.getDeclaredMethods()));
        methods.sort(Comparator.comparing(Method::getName));
        if (seed != 0) Collections.shuffle(methods, new Random(seed));
        List<String> found = new ArrayList<>();
        for (Method method : methods) {
            method.setAccessible(true);
            if (method.isAnnotationPresent(Test.class)) found.add(one(type, method, 0, new Object[0]));
            if (!method.isAnnotationPresent(ParameterizedTest.class)) continue;
            String[] rows = method.getAnnotation(CsvSource.class).value();
            for (int row = 0; row < rows.length; row++) found.add(one(type, method, row, arguments(method, rows[row])));
        }
        return "[" + String.join(",", found) + "]";
    }

    private static String one(Class<?> type, Method method, int row, Object[] given) throws Exception {
        Constructor<?> maker = type.getDeclaredConstructor();
        maker.setAccessible(true);
        String report = "null";
        try {
            method.invoke(maker.newInstance(), given);
        } catch (InvocationTargetException problem) {
            report = Driver.json(String.valueOf(problem.getCause()));
        }
        return "[" + Driver.json(method.getName()) + "," + row + "," + report + "]";
    }

    private static Object[] arguments(Method method, String row) {
        List<String> cells = cells(row);
        Object[] made = new Object[cells.size()];
        for (int place = 0; place < made.length; place++) {
            made[place] = converted(cells.get(place), method.getParameterTypes()[place]);
        }
        return made;
    }

    /** Cells divided by commas; quotes are single and doubled inside. */
    private static List<String> cells(String row) {
        List<String> found = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean isQuoted = false;
        for (int place = 0; place < row.length(); place++) {
            char sign = row.charAt(place);
            if (sign == '\'' && isQuoted && place + 1 < row.length() && row.charAt(place + 1) == '\'') {
                cell.append('\'');
                place++;
            } else if (sign == '\'') {
                isQuoted = !isQuoted;
            } else if (sign == ',' && !isQuoted) {
                found.add(cell.toString());
                cell.setLength(0);
            } else if (isQuoted || sign != ' ') {
                cell.append(sign);
            }
        }
        found.add(cell.toString());
        return found;
    }

    private static Object converted(String text, Class<?> type) {
        if (type == int.class || type == Integer.class) return Integer.valueOf(text);
        if (type == long.class || type == Long.class) return Long.valueOf(text);
        if (type == short.class) return Short.valueOf(text);
        if (type == byte.class) return Byte.valueOf(text);
        if (type == double.class || type == Double.class) return Double.valueOf(text);
        if (type == float.class || type == Float.class) return Float.valueOf(text);
        if (type == boolean.class || type == Boolean.class) return Boolean.valueOf(text);
        if (type == char.class || type == Character.class) return text.charAt(0);
        return text;
    }
}
