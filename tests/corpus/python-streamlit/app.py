import pandas as pd
import streamlit as st

st.set_page_config(page_title="Sales")
st.title("hello from python-streamlit")
st.bar_chart(pd.DataFrame({"sold": [3, 1, 2]}))
