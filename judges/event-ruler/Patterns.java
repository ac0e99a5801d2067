import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import software.amazon.event.ruler.Machine;

/** Each rule of the file given against each event: a line of 0 and 1 for each rule. */
class Patterns {
  public static void main(String[] args) throws Exception {
    JsonNode asked = new ObjectMapper().readTree(new File(args[0]));
    for (JsonNode pattern : asked.get("patterns")) {
      Machine machine = new Machine();
      machine.addRule("rule", pattern.toString());
      StringBuilder line = new StringBuilder();
      for (JsonNode event : asked.get("events"))
        line.append(machine.rulesForJSONEvent(event.toString()).isEmpty() ? '0' : '1');
      System.out.println(line);
    }
  }
}
